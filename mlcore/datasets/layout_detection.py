"""The detection of what a directory, an archive or a name is, and its opening as a source of pictures."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlcore.datasets.archives import open_tree
from mlcore.datasets.filetree import LIMITS, ArchiveLimits, FileTree
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices, level_like
from mlcore.datasets.reader_table import LayoutReader, NamedReader, known_readers
from mlcore.datasets.readers import folder
from mlcore.datasets.source import Source
from mlcore.datasets.splits import class_disjoint
from mlcore.errors import DatasetError
from mlcore.events import Progress, no_progress


def named_reader(where: str | Path) -> NamedReader | None:
    """Return the reader that makes a data set by this name; None where it is a path."""
    if isinstance(where, Path):
        return None
    named = (reader for reader in known_readers() if isinstance(reader, NamedReader))
    return next((reader for reader in named if reader.is_named(where)), None)


@contextmanager
def open_source(
    where: str | Path,
    *,
    flat: bool = False,
    classes: bool = False,
    choices: LayoutChoices = NO_CHOICES,
    like: Collection[str] = (),
    limits: ArchiveLimits = LIMITS,
    progress: Progress = no_progress,
) -> Iterator[Source]:
    """Yield the pictures of a directory, of an archive, or of drawn "wings:species=60,seed=0".

    Benchmarks and sets with a manifest.json are known by their files (docs/datasets.md); anything
    else is read as one folder a class. `flat` takes every picture below a directory or in an archive
    without a label, whatever its folder; `classes` takes class folders, however few, without splits.
    `choices` say how else to read a layout; neither of these two takes any. `like`: names of the classes of an
    earlier import, whose level is taken where folders lie in folders and none is chosen.
    The source's pictures can be read inside the `with` only; `progress` hears of a compressed tar being unpacked.

    Raises:
        DatasetError: nothing readable is there, an archive is unsafe, a benchmark is not
            complete, or there are too few classes.
    """
    named = named_reader(where)
    if named:
        choices.refuse_others(named.title)
        yield replace(named.make(str(where)), reader=named.name)
        return
    with open_tree(Path(where), limits=limits, progress=progress) as tree:
        if flat:
            source = folder.read_flat(tree)
        elif classes:
            source = folder.read_classes(tree)
        else:
            source = _read_layout(tree, Path(where), choices)
            level = 0 if choices.level else level_like(source.options, like)
            if level and level != source.options.chosen.level:
                source = _read_layout(tree, Path(where), replace(choices, level=level))
        yield replace(source, remarks=(*tree.remarks, *source.remarks))


def _read_layout(tree: FileTree, where: Path, choices: LayoutChoices) -> Source:
    reader, top = _reader_for(tree, choices.reader)
    source = replace(reader.read(tree, top, choices), reader=reader.name)
    return _remarked(reader, _as_chosen(source, choices), where)


def _reader_for(tree: FileTree, name: str) -> tuple[LayoutReader, str]:
    """Return the reader of that name, or the first that recognises the files, and the folder that it reads."""
    layouts = [reader for reader in known_readers() if isinstance(reader, LayoutReader)]
    if not name:
        # The last of them takes anything.
        return next((reader, top) for reader in layouts if (top := reader.find(tree)) is not None)
    reader = next((reader for reader in layouts if reader.name == name), None)
    if reader is None:
        known = ", ".join(reader.name for reader in layouts)
        raise DatasetError(f"no reader of files is named {name!r}; known: {known}")
    top = reader.find(tree)
    if top is None:
        raise DatasetError(
            f"{tree.name} is not of the layout {reader.title}, which is recognised by {reader.recognised_by}"
        )
    return reader, top


def _as_chosen(source: Source, choices: LayoutChoices) -> Source:
    """Return the source with the split and the names of classes that were chosen."""
    if choices.split == "halves":
        splits = class_disjoint(len(source.classes))
        source = replace(source, items=[replace(item, split=splits[item.label]) for item in source.items])
    unknown = sorted(choices.class_names.keys() - set(source.classes))
    if unknown:
        raise DatasetError(f"{source.name} has no class {unknown[0]!r} that could get another name")
    names = tuple(choices.class_names.get(name, name).strip() for name in source.classes)
    if choices.class_names and (not all(names) or len(set(names)) < len(names)):
        raise DatasetError("each class needs a name of its own; two of the chosen names are equal, or one is empty")
    return replace(source, classes=names) if choices.class_names else source


def _remarked(reader: LayoutReader, source: Source, where: Path) -> Source:
    """Add what the hash of a benchmark's archive says."""
    if reader.archive is None or not where.is_file():
        return source
    with where.open("rb") as file:
        return replace(source, remarks=(*source.remarks, reader.archive.remark_on(file)))
