"""The detection of what a directory, an archive or a name is, and its opening as a source of pictures."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlcore.datasets.archives import open_tree
from mlcore.datasets.filetree import LIMITS, ArchiveLimits, FileTree
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices
from mlcore.datasets.reader_table import LayoutReader, NamedReader, known_readers
from mlcore.datasets.readers import folder
from mlcore.datasets.source import Source
from mlcore.datasets.splits import class_disjoint
from mlcore.errors import DatasetError
from mlcore.events import Progress, no_progress

Recognised = Mapping[str, str | None]


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
    limits: ArchiveLimits = LIMITS,
    progress: Progress = no_progress,
) -> Iterator[Source]:
    """Yield the pictures of a directory, of an archive, or of drawn "wings:species=60,seed=0".

    Benchmarks and sets with a manifest.json are known by their files (docs/datasets.md); anything
    else is read as one folder a class. `flat` takes every picture below a directory or in an archive
    without a label, whatever its folder; `classes` takes class folders, however few, without splits.
    `choices` say how else to read a layout; neither of these two takes any.
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
            yield read_unlabelled(tree)
        elif classes:
            yield _with_remarks_of(tree, folder.read_classes(tree))
        else:
            yield read_tree(tree, Path(where), choices)


def read_unlabelled(tree: FileTree) -> Source:
    """Return the source of every picture of a directory or archive, whatever its folder.

    Raises: DatasetError, where there is none.
    """
    return _with_remarks_of(tree, folder.read_flat(tree))


def read_tree(tree: FileTree, where: Path, choices: LayoutChoices, found: Recognised | None = None) -> Source:
    """Return the source of the files of a directory or archive, which lies at `where`, read as is chosen.

    found: what `recognised` returned for the tree, where it has been asked.

    Raises: DatasetError, as `open_source` does.
    """
    reader, top = _reader_for(tree, choices.reader or _reader_chosen_by(choices), found)
    source = replace(reader.read(tree, top, choices), reader=reader.name)
    return _with_remarks_of(tree, _remarked(reader, _as_chosen(source, choices), where))


def recognised(tree: FileTree) -> Recognised:
    """Return by the name of each reader the folder that holds its layout, None where it does not recognise one."""
    return {reader.name: reader.find(tree) for reader in layout_readers()}


def layout_readers() -> list[LayoutReader]:
    """Return the readers of files, in the order in which they are asked."""
    return [reader for reader in known_readers() if isinstance(reader, LayoutReader)]


def _reader_for(tree: FileTree, name: str, found: Recognised | None) -> tuple[LayoutReader, str]:
    """Return the reader of that name, or the first that recognises the files, and the folder that it reads."""

    def find(reader: LayoutReader) -> str | None:
        return reader.find(tree) if found is None else found[reader.name]

    layouts = layout_readers()
    if not name:
        # The last of them takes anything.
        return next((reader, top) for reader in layouts if (top := find(reader)) is not None)
    reader = next((reader for reader in layouts if reader.name == name), None)
    if reader is None:
        known = ", ".join(reader.name for reader in layouts)
        raise DatasetError(f"no reader of files is named {name!r}; known: {known}")
    top = reader.find_chosen(tree) if reader.find_chosen else find(reader)
    if top is None:
        raise DatasetError(
            f"{tree.name} is not of the layout {reader.title}, which is recognised by {reader.recognised_by}"
        )
    return reader, top


def _reader_chosen_by(choices: LayoutChoices) -> str:
    """Return the name of the reader that alone takes one of the fields that are chosen; "" where none does."""
    names = (reader.name for reader in layout_readers() if any(getattr(choices, field) for field in reader.chosen_by))
    return next(names, "")


def _as_chosen(source: Source, choices: LayoutChoices) -> Source:
    """Return the source with the split and the names of classes that were chosen."""
    if choices.split == "halves":
        splits = class_disjoint(len(source.classes))
        source = replace(source, items=[replace(item, split=splits[item.label]) for item in source.items])
    return with_class_names(source, choices.class_names)


def with_class_names(source: Source, names: Mapping[str, str]) -> Source:
    """Return the source with new names of classes, by the name that the reader found.

    Raises:
        DatasetError: there is no such class, or two classes would have one name, or one none.
    """
    if not names:
        return source
    unknown = sorted(names.keys() - set(source.classes))
    if unknown:
        raise DatasetError(f"{source.name} has no class {unknown[0]!r} that could get another name")
    classes = tuple(names.get(name, name).strip() for name in source.classes)
    if not all(classes) or len(set(classes)) < len(classes):
        raise DatasetError("each class needs a name of its own; two of the chosen names are equal, or one is empty")
    return replace(source, classes=classes)


def _with_remarks_of(tree: FileTree, source: Source) -> Source:
    """Add what was remarked on while the files were listed."""
    return replace(source, remarks=(*tree.remarks, *source.remarks))


def _remarked(reader: LayoutReader, source: Source, where: Path) -> Source:
    """Add what the hash of a benchmark's archive says."""
    if reader.archive is None or not where.is_file():
        return source
    with where.open("rb") as file:
        return replace(source, remarks=(*source.remarks, reader.archive.remark_on(file)))
