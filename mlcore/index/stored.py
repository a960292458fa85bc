"""The unit vectors of an index, by id, without its graph: what jobs read, and what every exact comparison reads."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import VectorIndexError
from mlcore.index.checks import Ids, Vectors, unit_queries, whole
from mlcore.index.codes import Rows, Subset
from mlcore.index.exact import nearest
from mlcore.index.matrix import Matrix, require_whole

Chosen = Collection[int] | NDArray[Any]

NO_ROWS: Rows = np.zeros(0, np.intp)


class StoredVectors:
    """Unit vectors [N, D] by id, in memory or mapped from their file. Safe to read from many threads at once."""

    def __init__(self, vectors: Matrix, ids: Ids) -> None:
        """Take over vectors [N, D] in the order of ids [N], which ascend."""
        self._vectors = vectors
        self._dim = int(vectors.shape[1])
        self._ids = ids

    @property
    def vectors(self) -> Matrix:
        """Its unit vectors [N, D], in the order of its ids."""
        return self._vectors

    @property
    def count(self) -> int:
        """How many pictures it holds."""
        return len(self._ids)

    @property
    def dim(self) -> int:
        """How long a vector is."""
        return self._dim

    @property
    def ids(self) -> Ids:
        """Its pictures' ids, ascending; a copy."""
        return self._ids.copy()

    def vectors_of(self, ids: Chosen) -> Vectors:
        """Return the unit vectors [n, D] of ids that it holds; VectorIndexError names the first other."""
        wanted = as_ids(ids)
        rows = np.minimum(np.searchsorted(self._ids, wanted), self.count - 1)
        unknown = wanted[self._ids[rows] != wanted]
        if len(unknown):
            raise VectorIndexError(f"picture {unknown[0]} is not in the index")
        if len(rows):
            require_whole(self._vectors)
        return np.asarray(self._vectors[rows])

    def held(self, ids: Chosen) -> Ids:
        """Return those of `ids` that it holds, ascending."""
        return self._ids[self.rows_of(ids)]

    def rows_of(self, ids: Chosen) -> Rows:
        """Return the rows of those of `ids` that it holds, ascending."""
        if len(ids) == 1:  # the query's own picture: the exclusion of nearly every search
            one = next(iter(ids))
            row = int(self._ids.searchsorted(one))
            return np.array([row], np.intp) if row < self.count and self._ids[row] == one else NO_ROWS
        if len(ids) == 0 or self.count == 0:
            return NO_ROWS
        wanted = np.unique(as_ids(ids))
        rows: Rows = np.minimum(np.searchsorted(self._ids, wanted), self.count - 1)
        held: Rows = rows[self._ids[rows] == wanted]
        return held

    def exact_search(self, queries: NDArray[Any], k: int) -> tuple[Ids, Vectors]:
        """Return what `search` would if it compared with every picture."""
        unit = self._checked_queries(queries)
        self._check_k(k, self.count)
        return self._exact(unit, k)

    def exact_nearest(self, query: Vectors, k: int, exclude: Chosen = ()) -> tuple[Ids, Vectors]:
        """Return the ids and cosines of the pictures nearest to a query [D] by comparing with each: k, or all."""
        unit, excluded = self._checked_queries(query[None]), self.rows_of(exclude)
        k = min(k, self.count - len(excluded))
        if k == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        ids, cosines = self._exact(unit, k, None, excluded)
        return ids[0], cosines[0]

    def _check_k(self, k: int, remaining: int) -> None:
        if not 1 <= whole("k", k) <= remaining:
            raise VectorIndexError(f"k must lie between 1 and the {remaining} pictures searched, got {k}")

    def _exact(
        self, unit: Vectors, k: int, subset: Subset | None = None, excluded: Rows = NO_ROWS
    ) -> tuple[Ids, Vectors]:
        if subset is None and len(excluded) == 0:
            return nearest(unit, self._vectors, self._ids, k)
        rows = _without(np.arange(self.count) if subset is None else subset.rows, excluded)
        return nearest(unit, self._vectors, self._ids, k, rows)

    def _checked_queries(self, queries: NDArray[Any]) -> Vectors:
        unit = unit_queries(queries)
        if unit.shape[1] != self._dim:  # hnswlib would read past the end of each query
            raise VectorIndexError(f"queries have {unit.shape[1]} dimensions, the index has {self._dim}")
        return unit


def _without(rows: Rows, some: Rows) -> Rows:
    """Return ascending rows without some others, which ascend too."""
    places = rows.searchsorted(some)
    there = places < len(rows)
    there[there] = rows[places[there]] == some[there]
    return np.delete(rows, places[there]) if there.any() else rows


def as_ids(chosen: Chosen) -> Ids:
    """Return ids as an array."""
    return chosen.astype(np.int64) if isinstance(chosen, np.ndarray) else np.fromiter(chosen, np.int64)
