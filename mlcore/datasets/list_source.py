"""Sources of benchmarks that list their pictures: lines of words, classes numbered from 1."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.source import KS, OfficialCounts, Source, SourceItem, path_key
from mlcore.datasets.splits import check_official
from mlcore.errors import DatasetError
from mlcore.images.image_io import MAX_BYTES


@dataclass(frozen=True)
class Listed:
    """A picture as its benchmark lists it: where it lies in the tree, and its class, counted from 1."""

    path: str
    number: int
    class_name: str
    split: str


def read_lines(tree: FileTree, path: str, *, words: int, header: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, words) of a list; the header, comments after "#" and empty lines are passed over.

    Raises:
        DatasetError: the list cannot be read, or a line has another number of words.
    """
    text = tree.read(path).decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        found = line.split()
        if number <= header or not found or found[0].startswith("#"):
            continue
        if len(found) != words:
            raise DatasetError(f"{path} line {number} should hold {words} words, has {len(found)}")
        yield number, found


def class_number(text: str, path: str, line: int) -> int:
    """Return the class that a word of a list says. Raises DatasetError when it is no number."""
    if not text.isdecimal():
        raise DatasetError(f"{path} line {line} gives no class number: {text!r}")
    return int(text)


def listed_source(
    tree: FileTree,
    listed: Iterable[Listed],
    *,
    name: str,
    licence: str,
    expected: OfficialCounts,
    remarks: tuple[str, ...] = (),
    ks: tuple[int, ...] = KS,
) -> Source:
    """Return the source of a complete benchmark; a class has the name that its first picture gives.

    Raises:
        DatasetError: the counts are not `expected`, or the classes are not numbered without a gap.
    """
    names: dict[int, str] = {}
    items = []
    broken = list(tree.skipped)
    for picture in listed:
        names.setdefault(picture.number, picture.class_name)
        if picture.path not in tree.sizes:
            broken.append((picture.path, "is listed and not there"))
            continue
        read = functools.partial(tree.read, picture.path, MAX_BYTES)
        items.append(SourceItem(picture.path, picture.number - 1, picture.split, read))
    check_official([(item.label, item.split) for item in items], expected, name)
    if sorted(names) != list(range(1, len(names) + 1)):
        raise DatasetError(f"{name} should number its classes 1 to {len(names)} without a gap")
    items.sort(key=lambda item: (item.label, path_key(item.path)))
    classes = tuple(names[number] for number in sorted(names))
    return Source(name, licence, classes, items, f"{name}, original layout", tuple(broken), remarks, ks)
