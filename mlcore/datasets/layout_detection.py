"""The detection of what a directory, an archive or a name is, and its opening as a source of pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlcore.datasets.archives import open_tree
from mlcore.datasets.filetree import LIMITS, ArchiveLimits, FileTree
from mlcore.datasets.reader_table import LayoutReader, NamedReader, known_readers
from mlcore.datasets.readers import folder
from mlcore.datasets.source import Source
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
    limits: ArchiveLimits = LIMITS,
    progress: Progress = no_progress,
) -> Iterator[Source]:
    """Yield the pictures of a directory, a zip, tar or tar.gz, or of drawn "wings:species=60,seed=0".

    Benchmarks and sets with a manifest.json are known by their files (docs/datasets.md); anything
    else is read as one folder a class. `flat` takes every picture below a directory or in an archive
    without a label, whatever its folder; `classes` takes class folders, however few, without splits.
    The source's pictures can be read inside the `with` only; `progress` hears of a tar.gz being unpacked.

    Raises:
        DatasetError: nothing readable is there, an archive is unsafe, a benchmark is not
            complete, or there are too few classes.
    """
    named = named_reader(where)
    if named:
        yield named.make(str(where))
        return
    with open_tree(Path(where), limits=limits, progress=progress) as tree:
        if flat:
            yield folder.read_flat(tree)
        elif classes:
            yield folder.read_classes(tree)
        else:
            yield _read_layout(tree, Path(where))


def _read_layout(tree: FileTree, where: Path) -> Source:
    layouts = (reader for reader in known_readers() if isinstance(reader, LayoutReader))
    # The last of them takes anything.
    reader, top = next((reader, top) for reader in layouts if (top := reader.find(tree)) is not None)
    return _remarked(reader, reader.read(tree, top), where)


def _remarked(reader: LayoutReader, source: Source, where: Path) -> Source:
    """Add what the hash of a benchmark's archive says."""
    if reader.archive is None or not where.is_file():
        return source
    with where.open("rb") as file:
        return replace(source, remarks=(*source.remarks, reader.archive.remark_on(file)))
