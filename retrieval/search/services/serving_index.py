"""An index that searches read, corrected by what happened to its pictures since it was built.

An index never changes, and its classes and splits are those of its revision. Pictures that were hidden, moved or
deleted since are looked up once a process and revision, by their marks: usually there are none. So a search sees a
change as soon as it is committed, at a cost of the changes and not of the data set.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.datasets.source import SPLITS
from mlcore.index import Codes, Subset, VectorIndex
from retrieval.datasets.services.changed_pictures import changed_since
from retrieval.models import Dataset, Image, Search

Ids = NDArray[np.int64]
NONE_GONE: Ids = np.zeros(0, np.int64)
CHUNK = 10_000  # rows of the database at a time

MOST_SUBSETS = 16
"""Filters used last whose pictures are kept; a picture's mask takes a byte of each. Others are made again."""


@dataclass(frozen=True)
class _Base:
    """Codes of an index's pictures at a revision of their data set, and those that were gone by then."""

    codes: Codes
    gone: Ids
    revision: int


@dataclass(frozen=True)
class _Corrections:
    """What differs from the base at a later revision: pictures gone, ascending, and those moved, by row."""

    revision: int
    gone: Ids
    moved: Mapping[int, tuple[int, str]]


Filter = tuple[tuple[int, ...] | None, tuple[str, ...] | None]
"""Labels and splits, each None where any will do."""


class ServingIndex:
    """The vectors of an index, with the present state of its pictures. Safe to use from many threads."""

    def __init__(self, vectors: VectorIndex, dataset: int, revision: int) -> None:
        """Take over loaded vectors of a data set's pictures as of a revision."""
        self.vectors = vectors
        self._dataset, self._revision = dataset, revision
        self._lock = threading.Lock()
        self._known_base: _Base | None = None
        self._known: _Corrections | None = None
        self._subsets: OrderedDict[tuple[int, Filter], Subset] = OrderedDict()

    def gone(self, now: int) -> Ids:
        """Return its pictures that are hidden or deleted at a revision, ascending."""
        return NONE_GONE if now == self._revision else self._corrections(now).gone

    def subset(self, wanted: Filter, now: int) -> Subset:
        """Return its pictures of these labels and splits at a revision; hidden ones may be among them."""
        key = (now, wanted)
        with self._lock:
            if key in self._subsets:
                self._subsets.move_to_end(key)
                return self._subsets[key]
        found = self._subset(wanted, now)
        with self._lock:
            self._subsets[key] = found
            while len(self._subsets) > 1 and self._keeps_too_much(2 * found.total):
                self._subsets.popitem(last=False)
        return found

    def _keeps_too_much(self, most_rows: int) -> bool:
        rows = sum(len(kept.rows) for kept in self._subsets.values())
        return len(self._subsets) > MOST_SUBSETS or rows > most_rows

    def _subset(self, wanted: Filter, now: int) -> Subset:
        labels, splits = wanted
        found = self._base().codes.subset(labels, splits)
        moved = {} if now == self._revision else self._corrections(now).moved
        if not moved:
            return found
        fits = [
            row for row, (label, split) in moved.items()
            if (labels is None or label in labels) and (splits is None or split in splits)
        ]  # fmt: skip
        return found.corrected(np.array(sorted(moved), np.intp), np.array(sorted(fits), np.intp))

    def _base(self) -> _Base:
        with self._lock:
            if self._known_base is None:
                codes = self.vectors.codes
                self._known_base = self._from_rows() if codes is None else _Base(codes, NONE_GONE, self._revision)
            return self._known_base

    def _from_rows(self) -> _Base:
        """Return what the database says now, for an index of an earlier format; once a process."""
        ids = self.vectors.ids
        labels, splits = np.full(len(ids), -1, np.int32), np.full(len(ids), -1, np.int8)
        revision = Dataset.objects.values_list("revision", flat=True).get(pk=self._dataset)  # first: rows may be newer
        rows = Image.objects.filter(dataset=self._dataset, hidden=False).order_by()
        for pk, label, split in rows.values_list("pk", "label", "split").iterator(chunk_size=CHUNK):
            row = int(ids.searchsorted(pk))
            if row < len(ids) and ids[row] == pk:
                labels[row], splits[row] = label, SPLITS.index(split)
        return _Base(Codes(labels, splits), ids[labels < 0], revision)

    def _corrections(self, now: int) -> _Corrections:
        known = self._known
        if known is None or known.revision != now:
            base = self._base()
            changed = changed_since(self._dataset, base.revision)
            gone = (set(base.gone.tolist()) - changed.moved.keys()) | changed.gone
            held = self.vectors.held(changed.moved.keys())
            rows = self.vectors.rows_of(held).tolist()
            moved = {row: changed.moved[pk] for row, pk in zip(rows, held.tolist(), strict=True)}
            known = self._known = _Corrections(now, self.vectors.held(gone), moved)
        return known


def filter_of(search: Search, dataset: int) -> Filter | None:
    """Return which pictures of a data set may be results; None where the search has no filter."""
    splits, classes = search.filters.get("splits"), search.filters.get("classes")
    if not splits and not classes:
        return None
    labels = tuple(sorted({label for pk, label in classes if pk == dataset})) if classes else None
    return labels, tuple(sorted(splits)) if splits else None
