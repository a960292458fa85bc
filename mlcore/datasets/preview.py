"""A preview of an import: what a reader would make of a source, before anything is stored.

It counts every picture and decodes a few, so that a million pictures are previewed in seconds.
"""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mlcore.datasets.archives import open_tree
from mlcore.datasets.filetree import LIMITS, ArchiveLimits, FileTree
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices, LayoutOptions, LayoutUnclear
from mlcore.datasets.layout_detection import (
    Recognised,
    layout_readers,
    named_reader,
    open_source,
    read_tree,
    read_unlabelled,
    recognised,
)
from mlcore.datasets.preview_pictures import (
    Look,
    NearDuplicates,
    look_at,
    near_duplicates_across,
    sample_of_splits,
)
from mlcore.datasets.reader_table import known_readers
from mlcore.datasets.remarks import remarks_on
from mlcore.datasets.source import Source, SourceItem, is_held_out, printable
from mlcore.datasets.splits import check_splits
from mlcore.datasets.statistics import Tally, counts_of, tally
from mlcore.datasets.tree_items import TreeItems
from mlcore.errors import DatasetError
from mlcore.events import Progress, no_progress

LISTED_CLASSES = 100
PICTURED_CLASSES = 6
PICTURES_OF_A_CLASS = 4
LISTED_REASONS = 12
LISTED_EXAMPLES = 5
LISTED_PAIRS = 20
_COUNTS = (
    "images", "classes", "train_images", "test_images", "train_classes", "test_classes", "query_images",
)  # fmt: skip


@dataclass(frozen=True)
class ReaderChoice:
    """A reader that could be chosen; `recognises`: whether the files are of its layout."""

    name: str
    title: str
    recognised_by: str
    recognises: bool


@dataclass(frozen=True)
class PreviewPicture:
    """A picture of a class, with a thumbnail as JPEG bytes."""

    path: str
    thumbnail: bytes


@dataclass(frozen=True)
class PreviewClass:
    """A class with pictures; `held_out` of its images are held out. found_as: its name in the source."""

    name: str
    found_as: str
    images: int
    held_out: int
    pictures: tuple[PreviewPicture, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """Files that the import leaves out for one reason: how many, and the first of them."""

    reason: str
    files: int
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an import would take, leave out and remark on.

    reader: the name of the one that read the source, "" where none did. recognised_by: its telling files.
    readers: every reader of files. choices: what was asked for. options: what was taken, and could be otherwise.
    counts: as the import report has them. first_classes: in the source's order, at most LISTED_CLASSES.
    left_out: the most frequent reasons first, at most LISTED_REASONS; left_out_files: of all reasons.
    refusal: why it cannot be imported, "" where it can.
    """

    name: str = ""
    origin: str = ""
    licence: str = ""
    reader: str = ""
    title: str = ""
    recognised_by: str = ""
    readers: tuple[ReaderChoice, ...] = ()
    choices: LayoutChoices = NO_CHOICES
    options: LayoutOptions = LayoutOptions()
    labelled: bool = True
    counts: Mapping[str, int] = field(default_factory=dict)
    first_classes: tuple[PreviewClass, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    left_out_files: int = 0
    remarks: tuple[str, ...] = ()
    near_duplicates: NearDuplicates = NearDuplicates()
    refusal: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; thumbnails are base64 text of JPEG bytes."""
        values: dict[str, Any] = _plain(asdict(replace(self, choices=NO_CHOICES, options=LayoutOptions())))
        del values["counts"]
        return {
            **values,
            **self.counts,
            "choices": self.choices.to_json(),
            "options": {
                "chosen": self.options.chosen.to_json(),
                "levels": _plain([asdict(level) for level in self.options.levels]),
                "columns": _plain(self.options.columns),
            },
        }


def preview_of(
    where: str | Path,
    *,
    labelled: bool = True,
    choices: LayoutChoices = NO_CHOICES,
    thumbnails: bool = True,
    limits: ArchiveLimits = LIMITS,
    progress: Progress = no_progress,
) -> Preview:
    """Return the preview of the import of a directory, an archive, or a data set that is made by name.

    labelled: whether folders and files name classes; if not, nothing can be chosen.
    thumbnails: whether the first classes get some.
    What an import would refuse is a preview with `refusal`; this raises nothing for it.
    """
    try:
        if named_reader(where):
            with open_source(where, choices=choices) as source:
                return replace(preview(source, thumbnails=thumbnails, progress=progress), choices=choices)
        with open_tree(Path(where), limits=limits, progress=progress) as tree:
            request = _Request(tree, Path(where), recognised(tree), choices)
            found = _readable(request, thumbnails, progress) if labelled else _flat(tree, thumbnails, progress)
            return replace(found, readers=_reader_choices(request.found), choices=choices, labelled=labelled)
    except DatasetError as error:
        return Preview(readers=_reader_choices({}), choices=choices, labelled=labelled, refusal=str(error))


@dataclass(frozen=True)
class _Request:
    """An open tree, the readers that recognise it, and what is chosen."""

    tree: FileTree
    where: Path
    found: Recognised
    choices: LayoutChoices

    def read(self, choices: LayoutChoices) -> Source:
        return read_tree(self.tree, self.where, choices, self.found)


def _reader_choices(found: Recognised) -> tuple[ReaderChoice, ...]:
    return tuple(
        ReaderChoice(reader.name, reader.title, reader.recognised_by, found.get(reader.name) is not None)
        for reader in layout_readers()
    )


def _readable(request: _Request, thumbnails: bool, progress: Progress) -> Preview:
    tree, choices = request.tree, request.choices
    try:
        source = request.read(choices)
    except DatasetError as error:
        options = error.options if isinstance(error, LayoutUnclear) else _options_of(request)
        return Preview(name=tree.name, origin=tree.origin, options=options, refusal=str(error))
    found_as = {name.strip(): found for found, name in choices.class_names.items()}
    return preview(source, sizes=tree.sizes, found_as=found_as, thumbnails=thumbnails, progress=progress)


def _flat(tree: FileTree, thumbnails: bool, progress: Progress) -> Preview:
    return preview(read_unlabelled(tree), thumbnails=thumbnails, progress=progress)


def _options_of(request: _Request) -> LayoutOptions:
    """Return what could be chosen where the choices cannot be read: that of the reader alone, or of none."""
    for fewer in (LayoutChoices(reader=request.choices.reader), NO_CHOICES):
        if fewer != request.choices:
            try:
                return request.read(fewer).options
            except DatasetError:
                continue
    return LayoutOptions()


def preview(
    source: Source,
    *,
    sizes: Mapping[str, int] | None = None,
    found_as: Mapping[str, str] | None = None,
    thumbnails: bool = True,
    progress: Progress = no_progress,
) -> Preview:
    """Return the preview of an open source.

    sizes: bytes of files by path, by which copies are looked for. found_as: names in the source of renamed classes.
    """
    reader = next((reader for reader in known_readers() if reader.name == source.reader), None)
    items = source.items
    pictured = items.counts() if isinstance(items, TreeItems) else tally(items)
    counts = counts_of(source.classes, pictured)
    shown = _shown_items(items, pictured) if thumbnails else []
    sample = sample_of_splits(items, sizes or {}) if source.labelled else []
    looks = look_at(list({item.path: item for item in (*shown, *sample)}.values()), progress)
    twins = near_duplicates_across(sample, looks)
    return Preview(
        name=source.name,
        origin=source.origin,
        licence=source.licence,
        reader=source.reader,
        title=reader.title if reader else "",
        recognised_by=reader.recognised_by if reader else "",
        options=source.options,
        labelled=source.labelled,
        counts={name: counts[name] for name in _COUNTS},
        first_classes=_first_classes(source, pictured, _pictures_of(shown, looks), found_as or {}),
        left_out=_left_out(source.broken),
        left_out_files=len(source.broken),
        remarks=(*source.remarks, *(remarks_on(source.classes, pictured) if source.labelled else ())),
        near_duplicates=replace(twins, pairs=twins.pairs[:LISTED_PAIRS]),
        refusal=_refusal_of(pictured) if source.labelled else "",
    )


def _refusal_of(pictured: Tally) -> str:
    """Return why the import would refuse the splits, "" where it would not."""
    try:
        check_splits(pictured)
    except DatasetError as error:
        return str(error)
    return ""


def _shown_items(items: Iterable[SourceItem], pictured: Tally) -> list[SourceItem]:
    """Return the first pictures of the first classes; no more are walked through than it takes."""
    missing: Counter[int] = Counter()
    for (label, _), count in pictured.items():
        if label < PICTURED_CLASSES:
            missing[label] = min(PICTURES_OF_A_CLASS, missing[label] + count)
    first: list[SourceItem] = []
    for item in items:
        if not missing:
            break
        if item.label in missing:
            first.append(item)
            missing -= Counter({item.label: 1})  # a label of which none is missing leaves
    return first


def _pictures_of(shown: Iterable[SourceItem], looks: Mapping[str, Look]) -> dict[int, list[PreviewPicture]]:
    """Return what is shown of each label."""
    pictures: dict[int, list[PreviewPicture]] = {}
    for item in shown:
        if item.path in looks:
            picture = PreviewPicture(item.path, looks[item.path].thumbnail)
            pictures.setdefault(item.label, []).append(picture)
    return pictures


def _first_classes(
    source: Source,
    pictured: Tally,
    pictures: Mapping[int, Sequence[PreviewPicture]],
    found_as: Mapping[str, str],
) -> tuple[PreviewClass, ...]:
    images: Counter[int] = Counter()
    held_out: Counter[int] = Counter()
    for (label, split), count in pictured.items():
        images[label] += count
        held_out[label] += count if is_held_out(split) else 0
    return tuple(
        PreviewClass(
            name=source.classes[label],
            found_as=found_as.get(source.classes[label], source.classes[label]),
            images=images[label],
            held_out=held_out[label],
            pictures=tuple(pictures.get(label, ())),
        )
        for label in sorted(images)[:LISTED_CLASSES]
    )


def _left_out(broken: Sequence[tuple[str, str]]) -> tuple[LeftOut, ...]:
    files = Counter(reason for _, reason in broken)
    examples: dict[str, list[str]] = {reason: [] for reason, _ in files.most_common(LISTED_REASONS)}
    for path, reason in broken:
        if reason in examples and len(examples[reason]) < LISTED_EXAMPLES:
            examples[reason].append(path)
    return tuple(LeftOut(reason, files[reason], tuple(paths)) for reason, paths in examples.items())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return printable(value) if isinstance(value, str) else value
