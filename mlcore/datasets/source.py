"""Source: named classes and pictures read on demand, what every reader returns."""

import functools
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from mlcore.datasets.layout_choices import LayoutOptions

TRAIN = "train"
TEST = "test"  # query and gallery at once
QUERY = "query"
GALLERY = "gallery"
SPLITS = (TRAIN, TEST, QUERY, GALLERY)
KS = (1, 2, 4, 8)
"""The K of Recall@K where a benchmark's papers have no others: those of CUB-200-2011 and Cars-196."""


def is_held_out(split: str) -> bool:
    """Say whether pictures of a split are measured on; every other is learned from."""
    return split != TRAIN


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One picture of a source: `label` indexes the source's classes, `read` gives its bytes."""

    path: str
    label: int
    split: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Source:
    """A set of pictures as found, not yet verified; valid while `open_source` is open.

    remarks: sentences for whoever reads the report of the import. ks: of Recall@K, ascending from 1.
    broken: (path, reason) of what was seen and left out.
    origin: where it came from, for a reader: layout and file name, never a machine's full path.
    labelled: whether the classes mean something; if not, it can be searched, but neither learned nor measured.
    options: what could be read otherwise. reader: name of the row of the table of readers that read it.
    """

    name: str
    licence: str
    classes: tuple[str, ...]
    items: Sequence[SourceItem]
    origin: str
    broken: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()
    ks: tuple[int, ...] = KS
    labelled: bool = True
    options: LayoutOptions = LayoutOptions()
    reader: str = ""


@dataclass(frozen=True)
class OfficialSplit:
    """The counts that make a benchmark comparable; a set that differs is refused.

    test_images: all that is held out; query_images of them are queries, the others then their gallery.
    """

    classes: int
    train_classes: int
    train_images: int
    test_images: int
    query_images: int = 0

    @classmethod
    def of(cls, labelled: Sequence[tuple[int, str]]) -> Self:
        """Count (label, split) pairs."""
        train = [label for label, split in labelled if split == TRAIN]
        return cls(
            classes=len({label for label, _ in labelled}),
            train_classes=len(set(train)),
            train_images=len(train),
            test_images=len(labelled) - len(train),
            query_images=sum(split == QUERY for _, split in labelled),
        )

    @property
    def images(self) -> int:
        """The number of pictures of both splits."""
        return self.train_images + self.test_images

    def split_of(self, number: int) -> str:
        """Return the split of a class, counted from 1, where the first classes train."""
        return TRAIN if number <= self.train_classes else TEST

    def __str__(self) -> str:
        queries = f", {self.query_images:,} of them queries" if self.query_images else ""
        return (
            f"{self.images:,} pictures of {self.classes} classes "
            f"({self.train_images:,} of {self.train_classes} to train, {self.test_images:,} to test{queries})"
        )


@dataclass(frozen=True)
class OfficialTotal:
    """The counts of a benchmark published for another task: its splits by class are ours."""

    classes: int
    images: int

    @classmethod
    def of(cls, labelled: Sequence[tuple[int, str]]) -> Self:
        """Count (label, split) pairs."""
        return cls(len({label for label, _ in labelled}), len(labelled))

    def split_of(self, number: int) -> str:
        """Return the split of a class, counted from 1: the first half trains, the larger one when odd."""
        return TRAIN if number <= (self.classes + 1) // 2 else TEST

    def __str__(self) -> str:
        return f"{self.images:,} pictures of {self.classes} classes"


OfficialCounts = OfficialSplit | OfficialTotal


_DIGITS = re.compile("[0-9]+")


def natural_key(text: str) -> tuple[str, str]:
    """Return a sort key by which "item 2" comes before "item 10", case last."""
    return _DIGITS.sub(_sortable, text.casefold()), text


def _sortable(digits: re.Match[str]) -> str:
    """Return digits as text that sorts like their number, before all letters: a zero, their count, themselves.

    One text a name is a fifth of the time and memory of a tuple of parts, which a million names feel.
    """
    number = digits[0].lstrip("0")
    return f"\0{chr(min(len(number), sys.maxunicode))}{number}"


def path_key(path: str) -> tuple[tuple[str, str], ...]:
    """Return the natural sort key of a path, folder by folder."""
    folder, _, name = path.rpartition("/")
    return (*_folder_key(folder), natural_key(name))


@functools.lru_cache(maxsize=4096)  # files of a folder follow each other
def _folder_key(folder: str) -> tuple[tuple[str, str], ...]:
    return tuple(natural_key(part) for part in folder.split("/")) if folder else ()


def printable(text: str) -> str:
    """Return a file's name fit to be stored as text: bytes that are not UTF-8 become "?"."""
    return text.encode("utf-8", errors="replace").decode()


def readable_class(folder: str) -> str:
    """Return "Acura RL Sedan 2012" for a benchmark's folder "002.Acura_RL_Sedan_2012"."""
    return re.sub(r"^\d+\.", "", folder).replace("_", " ").strip() or folder
