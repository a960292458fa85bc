"""An index that searches read, corrected by what happened to its pictures since it was built.

An index never changes, and its classes and splits are those of its revision. Pictures that were hidden, moved or
deleted since are looked up once a process and revision, by their marks: usually there are none. So a search sees a
change as soon as it is committed, at a cost of the changes and not of the data set.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.datasets.source import SPLITS
from mlcore.index import Codes, VectorIndex
from mlcore.index.engine import Filter as PreparedFilter
from mlcore.index.engine import SearchableVectors
from retrieval.datasets.services.changed_pictures import changed_since
from retrieval.models import Dataset, Image, Index, Search
from retrieval.registry.services.vector_store import asked
from retrieval.search.services.turns import turns

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]
NONE_GONE: Ids = np.zeros(0, np.int64)
CHUNK = 10_000  # rows of the database at a time

MOST_FILTERS = 16
"""Filters used last whose pictures are kept; a picture's mask takes a byte of each. Others are made again."""

KEPT_BYTES = 16 << 20
"""Of filters that an index in a vector store keeps in this process, unless one alone is larger."""


@dataclass(frozen=True)
class _Base:
    """The revision of the data set whose classes and splits an index has, and its pictures that were gone by then."""

    gone: Ids
    revision: int


@dataclass(frozen=True)
class _Corrections:
    """What differs from the base at a later revision: pictures gone, ascending, and those moved, by key."""

    revision: int
    gone: Ids
    moved: Mapping[int, tuple[int, str]]


Filter = tuple[tuple[int, ...] | None, tuple[str, ...] | None]
"""Labels and splits, each None where any will do."""


class ServingIndex:
    """The vectors of an index, with the present state of its pictures. Safe to use from many threads.

    Those of a vector store raise VectorsAway while it does not answer. A search leaves its turn while it is asked.
    """

    def __init__(self, vectors: SearchableVectors, index: Index) -> None:
        """Take over the vectors of an index, loaded or in a vector store."""
        self.vectors = vectors
        self._name = f"the index of {index.model.name} on {index.dataset.name}"
        self._dataset, self._revision = index.dataset_id, index.revision
        self._lock = threading.Lock()
        self._known_base: _Base | None = None
        self._known: _Corrections | None = None
        self._filters: OrderedDict[tuple[int, Filter], PreparedFilter] = OrderedDict()

    def nearest(
        self, query: Vectors, k: int, *, wanted: Filter | None = None, own: Sequence[int] = (), now: int
    ) -> tuple[list[int], list[float]]:
        """Return the pictures nearest to a query [dim] at a revision, best first, and their cosines: k, or all.

        wanted: which pictures may be results; None: all. own: the query, which is no result.
        """
        with self._asked():
            allowed = None if wanted is None else self.filter(wanted, now)
            gone = self.gone(now)
            exclude = np.append(gone, own).astype(np.int64) if len(gone) else own
            ids, scores = self.vectors.nearest(query, k, allowed=allowed, exclude=exclude)
        return ids.tolist(), [round(score, 6) for score in scores.tolist()]

    def vectors_of(self, pictures: Collection[int]) -> Vectors:
        """Return the unit vectors [n, dim] of pictures that it holds."""
        if not pictures:
            return np.zeros((0, self.vectors.dim), np.float32)
        with self._asked():
            return self.vectors.vectors_of(pictures)

    def held(self, pictures: Collection[int]) -> Ids:
        """Return those of some pictures that it holds, ascending."""
        if not pictures:
            return NONE_GONE
        with self._asked():
            return self.vectors.held(pictures)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        if isinstance(self.vectors, VectorIndex):
            yield
            return
        with asked(f"{self._name} cannot be searched"), turns.left():
            yield

    def gone(self, now: int) -> Ids:
        """Return its pictures that are hidden or deleted at a revision, ascending."""
        return NONE_GONE if now == self._revision else self._corrections(now).gone

    def filter(self, wanted: Filter, now: int) -> PreparedFilter:
        """Return what keeps pictures of these labels and splits at a revision; hidden ones may be among them."""
        key = (now, wanted)
        with self._lock:
            if key in self._filters:
                self._filters.move_to_end(key)
                return self._filters[key]
        found = self._prepared(wanted, now)
        with self._lock:
            self._filters[key] = found
            while len(self._filters) > 1 and self._keeps_too_much():
                self._filters.popitem(last=False)
        return found

    def _keeps_too_much(self) -> bool:
        numbers = sum(kept.kept_numbers for kept in self._filters.values())
        most = 2 * self.vectors.count if isinstance(self.vectors, VectorIndex) else KEPT_BYTES // 8
        return len(self._filters) > MOST_FILTERS or numbers > most

    def _prepared(self, wanted: Filter, now: int) -> PreparedFilter:
        self._base()
        labels, splits = wanted
        moved = {} if now == self._revision else self._corrections(now).moved
        fits = [
            key for key, (label, split) in moved.items()
            if (labels is None or label in labels) and (splits is None or split in splits)
        ]  # fmt: skip
        prepared: PreparedFilter = self.vectors.filtered(labels, splits, also=fits, without=list(moved))
        return prepared

    def _base(self) -> _Base:
        with self._lock:
            if self._known_base is None:
                vectors = self.vectors
                if isinstance(vectors, VectorIndex) and vectors.codes is None:
                    self._known_base = self._from_rows(vectors)
                else:
                    self._known_base = _Base(NONE_GONE, self._revision)
            return self._known_base

    def _from_rows(self, vectors: VectorIndex) -> _Base:
        """Give an index of an earlier format the codes that the database says now; once a process."""
        ids = vectors.ids
        labels, splits = np.full(len(ids), -1, np.int32), np.full(len(ids), -1, np.int8)
        revision = Dataset.objects.values_list("revision", flat=True).get(pk=self._dataset)  # first: rows may be newer
        rows = Image.objects.filter(dataset=self._dataset, hidden=False).order_by()
        for pk, label, split in rows.values_list("pk", "label", "split").iterator(chunk_size=CHUNK):
            row = int(ids.searchsorted(pk))
            if row < len(ids) and ids[row] == pk:
                labels[row], splits[row] = label, SPLITS.index(split)
        vectors.codes = Codes(labels, splits)
        return _Base(ids[labels < 0], revision)

    def _corrections(self, now: int) -> _Corrections:
        known = self._known
        if known is None or known.revision != now:
            base = self._base()
            changed = changed_since(self._dataset, base.revision)
            gone = (set(base.gone.tolist()) - changed.moved.keys()) | changed.gone
            moved = {key: changed.moved[key] for key in self.vectors.held(changed.moved.keys()).tolist()}
            known = self._known = _Corrections(now, self.vectors.held(gone), moved)
        return known


def filter_of(search: Search, dataset: int) -> Filter | None:
    """Return which pictures of a data set may be results; None where the search has no filter."""
    splits, classes = search.filters.get("splits"), search.filters.get("classes")
    if not splits and not classes:
        return None
    labels = tuple(sorted({label for pk, label in classes if pk == dataset})) if classes else None
    return labels, tuple(sorted(splits)) if splits else None
