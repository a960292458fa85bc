"""Class and split of every picture of an index, as small numbers: a search filters by them without a database."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.datasets.source import SPLITS
from mlcore.errors import VectorIndexError

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Subset:
    """The pictures of an index that may be results: their rows, ascending, of `total`."""

    rows: Rows
    total: int

    @property
    def kept_numbers(self) -> int:
        """How many numbers of 8 bytes it keeps in memory."""
        return len(self.rows)

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """Which rows [total] they are; made once, for filters that the graph answers."""
        mask = np.zeros(self.total, np.bool_)
        mask[self.rows] = True
        return mask

    def corrected(self, without: Rows, also: Rows) -> "Subset":
        """Return the subset without some rows and with others."""
        return Subset(np.union1d(np.setdiff1d(self.rows, without, assume_unique=True), also), self.total)

    def count_of(self, rows: Rows) -> int:
        """Return how many of distinct rows are in it, at a cost of these rows."""
        if len(rows) < 2:
            return sum(self._has(row) for row in rows)
        places = self.rows.searchsorted(rows)
        inside = places < len(self.rows)
        return int((self.rows[places[inside]] == rows[inside]).sum())

    def _has(self, row: int) -> bool:
        place = int(self.rows.searchsorted(row))
        return place < len(self.rows) and bool(self.rows[place] == row)


@dataclass(frozen=True)
class Codes:
    """The label [N] and the split [N], a place in SPLITS, of every picture; -1 where it is not known.

    Raises: VectorIndexError when the two differ in length.
    """

    labels: NDArray[np.int32]
    splits: NDArray[np.int8]

    def __post_init__(self) -> None:
        if self.labels.ndim != 1 or self.labels.shape != self.splits.shape:
            raise VectorIndexError(f"{self.labels.shape} labels do not match {self.splits.shape} splits")

    @classmethod
    def of(cls, labels: Collection[int] | NDArray[Any], splits: Collection[str]) -> "Codes":
        """Return the codes of labels and names of splits; VectorIndexError for a split that is none of SPLITS."""
        code = {name: place for place, name in enumerate(SPLITS)}
        unknown = set(splits) - code.keys()
        if unknown:
            raise VectorIndexError(f"there is no split {min(unknown)!r}; known: {', '.join(SPLITS)}")
        numbers = np.fromiter((code[name] for name in splits), np.int8, len(splits))
        return cls(np.asarray(labels if isinstance(labels, np.ndarray) else list(labels), np.int32), numbers)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: Any) -> "Codes":
        """Return the codes of some rows."""
        return Codes(self.labels[rows], self.splits[rows])

    def subset(self, labels: Collection[int] | None = None, splits: Collection[str] | None = None) -> Subset:
        """Return the pictures of any of the labels and of any of the splits; None asks for no certain one.

        By labels it costs what they hold; by splits alone it reads the codes of all pictures once.
        """
        wanted = None if splits is None else np.array([SPLITS.index(name) for name in splits], np.int8)
        if labels is None:
            rows = np.arange(len(self)) if wanted is None else np.flatnonzero(np.isin(self.splits, wanted))
            return Subset(rows, len(self))
        order, starts = self._by_label
        known = [label for label in set(labels) if 0 <= label < len(starts) - 1]
        parts = [order[starts[label] : starts[label + 1]] for label in known]
        rows = np.sort(np.concatenate(parts)).astype(np.intp) if parts else np.zeros(0, np.intp)
        return Subset(rows if wanted is None else rows[np.isin(self.splits[rows], wanted)], len(self))

    @cached_property
    def _by_label(self) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """The rows by label, and where each label's begin; sorted once, when somebody filters by class."""
        order = np.argsort(self.labels, kind="stable").astype(np.int32)
        last = int(self.labels.max(initial=-1))
        return order, np.searchsorted(self.labels[order], np.arange(last + 2))
