"""The table of readers: each module of `readers/` gives one row, so a new reader is one new module."""

import functools
import hashlib
import io
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from importlib import import_module

from mlcore.datasets import readers
from mlcore.datasets.filetree import FileTree
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.source import Source

ReadLayout = Callable[[FileTree, str, LayoutChoices], Source]
_DEEPEST_MARKER = 2  # folders above a layout's telling file: CUB_200_2011/images.txt, once more in an archive


class Precedence(IntEnum):
    """The order in which readers are asked, and shown: what one takes, the later ones do not see."""

    PUBLISHED = 0
    DESCRIBED = 1
    LABELLED = 2
    FILE_NAMES = 3
    FOLDERS = 4
    DRAWN = 5


@dataclass(frozen=True)
class PublishedFile:
    """A published archive: its name and MD5. Another checksum gives a remark; the counts decide."""

    name: str
    md5: str

    def remark_on(self, file: io.BufferedIOBase) -> str:
        """Say whether a file is this one."""
        # MD5 tells a repacked or damaged file; it keeps out no attacker.
        found = hashlib.file_digest(file, functools.partial(hashlib.md5, usedforsecurity=False)).hexdigest()
        if found == self.md5:
            return f"{self.name} has the published MD5 {found}"
        return f"not the published {self.name}: the MD5 is {found}, published is {self.md5}"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A kind of data set, in words for people; names of files stand in backticks.

    name: how a user chooses it: that of its module. also_needed: what must be there beside the files that it is
    recognised by. training, held_out: its split.
    licence: what its authors ask, "" where the set itself says it.
    """

    name: str = ""
    title: str
    recognised_by: str
    also_needed: str
    training: str
    held_out: str
    licence: str = ""
    precedence: Precedence = Precedence.PUBLISHED


@dataclass(frozen=True, kw_only=True)
class LayoutReader(Reader):
    """A layout of files. find: the folder, "" or ending in "/", that holds it, None where the tree does not.

    find_chosen: the same where a user chose the reader and nothing has to be recognised; `find` by default.
    read: the source of that folder, read as is chosen; `as_published` makes one that takes no choice.
    chosen_by: fields of LayoutChoices that choose this reader where none is named.
    archive: the published archive, whose hash is worth a remark.
    """

    find: Callable[[FileTree], str | None]
    find_chosen: Callable[[FileTree], str | None] | None = None
    read: ReadLayout
    chosen_by: tuple[str, ...] = ()
    archive: PublishedFile | None = None


@dataclass(frozen=True, kw_only=True)
class NamedReader(Reader):
    """A data set that is made by its name, not read from files. is_named: whether a text is one of its names."""

    is_named: Callable[[str], bool]
    make: Callable[[str], Source]


@cache
def known_readers() -> tuple[Reader, ...]:
    """Return the row of every module of `readers/`, in the order in which they are asked.

    Raises: TypeError for a module without a row.
    """
    rows = []
    for module in pkgutil.iter_modules(readers.__path__):
        name = f"{readers.__name__}.{module.name}"
        row = getattr(import_module(name), "READER", None)
        if not isinstance(row, LayoutReader | NamedReader):
            raise TypeError(f"{name} has no READER; what several readers use belongs beside the folder")
        rows.append(replace(row, name=module.name))
    return tuple(sorted(rows, key=lambda row: (row.precedence, row.title.casefold())))


def as_published(
    title: str, read: Callable[[FileTree, str], Source]
) -> Callable[[FileTree, str, LayoutChoices], Source]:
    """Return the `read` of a layout in which nothing can be chosen, such as a benchmark with an official split."""

    def read_as_published(tree: FileTree, top: str, choices: LayoutChoices) -> Source:
        choices.refuse_others(title)
        return read(tree, top)

    return read_as_published


def folder_with(*files: str) -> Callable[[FileTree], str | None]:
    """Return a `find`: the highest folder that holds the first of `files`, if it holds the others as well."""

    def find(tree: FileTree) -> str | None:
        top = folder_of(tree, files[0])
        return top if top is not None and all(f"{top}{file}" in tree.sizes for file in files) else None

    return find


def folder_of(tree: FileTree, file: str) -> str | None:
    """Return the highest folder, "" or ending in "/", that holds a file of that name; None where there is none."""
    return highest(folder for folder in tree.folders if folder + file in tree.sizes)


def highest(folders: Iterable[str]) -> str | None:
    """Return the highest folder, if it is near enough to the top to be the data set's."""
    near = [folder for folder in folders if folder.count("/") <= _DEEPEST_MARKER]
    return min(near, key=lambda folder: (folder.count("/"), folder), default=None)
