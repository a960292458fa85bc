"""The source of pictures whose classes stand in files, gathered row by row, with what was left out and why.

Such files name pictures that are not there, name one twice, and leave others out. All of that is listed and counted.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.layout_choices import LayoutOptions
from mlcore.datasets.source import GALLERY, QUERY, TEST, TRAIN, Source, natural_key, path_key, printable
from mlcore.datasets.split_words import VALIDATION
from mlcore.datasets.splits import MIN_TRAIN_CLASSES, class_disjoint
from mlcore.datasets.tree_items import Block, TreeItems
from mlcore.errors import DatasetError, shortened

NO_OPTIONS = LayoutOptions()
LONGEST_LABEL = 200  # characters
_LONGEST_PATH = 500  # characters of a path that is reported


class LabelledPictures:
    """The pictures of a tree with their labels; `labelled_by` names what says them, in sentences."""

    def __init__(self, tree: FileTree, labelled_by: str) -> None:
        self.tree = tree
        self.labelled_by = labelled_by
        self._labels: dict[str, tuple[str, str]] = {}  # path -> (label, split)
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}  # one object for all pictures of a class
        self._contradicted: set[str] = set()
        self._remarks: list[str] = []
        self._left_out: dict[str, list[tuple[str, str]]] = {}

    def add(self, path: str, label: str, split: str = "") -> None:
        """Take a picture of the tree. A second label, unlike the first, takes the picture out again.

        label: the name of its class, any text. split: TRAIN, TEST, QUERY, GALLERY or VALIDATION, "" where none
        is stated.

        Raises: DatasetError for a label that is too long to name a class.
        """
        if len(label) > LONGEST_LABEL:
            raise DatasetError(
                f"{self.labelled_by} gives {printable(path)} the class {shortened(label)}; a name has at most "
                f"{LONGEST_LABEL} characters. Choose the column that holds the class"
            )
        label = label if label.isascii() else unicodedata.normalize("NFC", label)
        pair = self._pairs.setdefault((label, split), (label, split))
        first = self._labels.setdefault(path, pair)
        if first[0] != label:
            both = f"{printable(first[0])!r} and {printable(label)!r}"
            self.contradict(path, f"has two classes in {self.labelled_by}: {both}")

    def contradict(self, path: str, reason: str) -> None:
        """Leave a picture out because it has more than one class."""
        if path not in self._contradicted:
            self._contradicted.add(path)
            self.leave_out(path, reason, "more than one class")

    @property
    def labels(self) -> frozenset[str]:
        """The labels that were added."""
        return frozenset(label for label, _ in self._pairs)

    def rename(self, names: Mapping[str, str]) -> None:
        """Give each label another name, all at once."""
        renamed = {pair: (names[pair[0]], pair[1]) for pair in self._pairs}
        self._labels = {path: renamed[pair] for path, pair in self._labels.items()}
        self._pairs = {pair: pair for pair in renamed.values()}

    def miss(self, file: str, reason: str = "is listed and not there") -> None:
        """Report a file that the labels name and the tree does not hold."""
        self.leave_out(file, reason, "listed and not there")

    def leave_out_others(self, paths: Iterable[str]) -> None:
        """Report those of `paths` for which nothing was added."""
        for path in sorted(path for path in paths if path not in self):
            self.leave_out(path, f"has no class in {self.labelled_by}", f"no class in {self.labelled_by}")

    def leave_out(self, path: str, reason: str, kind: str) -> None:
        """Report a picture; `kind` follows "12 left out: " in a remark that counts all of them."""
        self._left_out.setdefault(kind, []).append((printable(path[:_LONGEST_PATH]), reason))

    def remark(self, sentence: str) -> None:
        """Add a remark to the source's."""
        self._remarks.append(sentence)

    def __contains__(self, path: str) -> bool:
        """Say whether a picture was added, or left out because it has more than one class."""
        return path in self._labels or path in self._contradicted

    def __len__(self) -> int:
        return sum(path not in self._contradicted for path in self._labels)

    def source(
        self,
        *,
        name: str,
        origin: str,
        licence: str = "not stated",
        order: Sequence[str] = (),
        options: LayoutOptions = NO_OPTIONS,
    ) -> Source:
        """Return the source of what was added, its classes in the `order` of their names, then in natural order.

        A split is kept where it is stated and no class lies in both halves; else the first half of the classes trains.

        Raises: DatasetError when there are no pictures, or too few classes.
        """
        for path in self._contradicted:
            self._labels.pop(path, None)
        if not self._labels:
            raise DatasetError(f"{self.labelled_by} names no picture of {self.tree.name}; {self._first_fault()}")
        rank = {label: number for number, label in enumerate(order)}
        labels = {label for label, _ in self._labels.values()}
        classes = sorted(labels, key=lambda label: (rank.get(label, len(rank)), natural_key(label)))
        number_of = {label: number for number, label in enumerate(classes)}
        splits = self._splits(number_of)
        blocks: dict[tuple[int, str], list[str]] = {}
        for path, pair in self._labels.items():
            blocks.setdefault((number_of[pair[0]], splits[pair]), []).append(path)
        items = [Block(sorted(blocks[key], key=path_key), *key) for key in sorted(blocks)]
        return Source(
            name=name,
            licence=licence,
            classes=tuple(map(printable, classes)),
            items=TreeItems(self.tree, items),
            origin=origin,
            broken=(*self.tree.skipped, *(entry for entries in self._left_out.values() for entry in entries)),
            remarks=(*self._remarks, *self._counts()),
            options=options,
        )

    def _splits(self, number_of: dict[str, int]) -> dict[tuple[str, str], str]:
        """Return the split of the pictures of each label and stated split."""
        pairs = set(self._labels.values())
        stated = {split for _, split in pairs}
        meanings = _meanings(stated)
        train = {label for label, split in pairs if meanings[split] == TRAIN}
        held_out = {label for label, split in pairs if meanings[split] != TRAIN}
        if len(train) >= MIN_TRAIN_CLASSES and held_out and not train & held_out:
            return {(label, split): meanings[split] for label, split in pairs}
        if stated != {""}:
            self._remarks.append(_set_aside(train, held_out))
        halves = class_disjoint(len(number_of))
        return {(label, split): halves[number_of[label]] for label, split in pairs}

    def _counts(self) -> list[str]:
        """Return a remark on each reason for which pictures are left out."""
        return [f"{len(entries):,} left out: {kind}" for kind, entries in self._left_out.items()]

    def _first_fault(self) -> str:
        first = next((entries[0] for entries in self._left_out.values()), None)
        return f"the first file, {first[0]}, {first[1]}" if first else "it has no rows"


def _meanings(stated: set[str]) -> dict[str, str]:
    """Return the split of a source for each that is stated; pictures without one are learned from."""
    meanings = {"": TRAIN, TRAIN: TRAIN, QUERY: QUERY, GALLERY: GALLERY, TEST: TEST}
    meanings[VALIDATION] = TRAIN if stated & {TEST, QUERY, GALLERY} else TEST
    if QUERY in stated and GALLERY not in stated:
        meanings[TEST] = GALLERY  # a folder of queries beside one for tests, as person re-identification has it
    return meanings


def _set_aside(train: set[str], held_out: set[str]) -> str:
    """Return the remark on a stated split that is not taken."""
    both = len(train & held_out)
    if not both:
        reason = f"it has {len(train):,} training and {len(held_out):,} held-out classes"
    elif both == 1:
        reason = f"class {printable(next(iter(train & held_out)))} is in both halves"
    else:
        reason = f"{both:,} classes are in both halves"
    return (
        f"the stated split is set aside, because {reason}: the first half of the classes trains, the rest is held out"
    )
