"""One guarded class over hnswlib, which itself checks no shapes, forgets `ef` and crashes before its set-up.

hnswlib comes as source and compiles for the processor it meets (-march=native). A local set-up leaves that
as it is, because the machine that builds is the one that runs; whoever builds an image, which travels, sets
HNSWLIB_NO_NATIVE=1: code for a newer processor dies of an illegal instruction on an older one.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import hnswlib
import numpy as np
from numpy.typing import NDArray

from mlcore.errors import StaleIndexError, VectorIndexError
from mlcore.index.checks import Ids, Vectors, bounded_threads, positive, unit_vectors, whole
from mlcore.index.exact import best, nearest

Chosen = Collection[int] | NDArray[Any]

SPACE = "ip"
"""Inner product of unit vectors, that is the cosine; hnswlib's own distance is 1 - cosine."""

EXACT_BELOW = 20_000
"""A filter that allows fewer pictures is answered exactly: 0.1 ms a query against 25 ms for hnswlib's filter,
which calls Python for every candidate (2 % of 100,000 x 512)."""


class VectorIndex:
    """Unit vectors by id, searched by cosine; made by `IndexBuilder` or `open`, and unchanged by searches.

    Beside the graph it holds the vectors as a matrix, for filters and fallbacks: hnswlib gives vectors back
    only as Python lists (half a second for 20,000 x 512). `open` maps that matrix from its file, so it costs
    page cache that all processes share and no memory of its own. Safe to search from many threads at once.
    """

    def __init__(self, graph: Any, vectors: Vectors, ids: Ids, threads: int) -> None:
        """Take over a filled graph, with vectors [N, D] in the order of ids [N], which ascend."""
        self._graph = graph
        self._vectors = vectors
        self._ids = ids
        self._threads = bounded_threads(threads)

    @classmethod
    def open(cls, graph_file: Path, vectors_file: Path, *, dim: int, ef: int, threads: int = 1) -> "VectorIndex":
        """Load what `save` wrote. hnswlib notices little damage: check the files' sums first.

        Raises: StaleIndexError when the files do not belong together or have another dim.
        """
        try:
            vectors = np.asarray(np.load(vectors_file, mmap_mode="r", allow_pickle=False))
            if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
                raise StaleIndexError(f"index has {vectors.dtype} {vectors.shape}, not float32 of dim {dim}")
            graph = hnswlib.Index(space=SPACE, dim=dim)
            graph.load_index(str(graph_file))
        except (OSError, ValueError, RuntimeError) as error:
            raise StaleIndexError(f"index cannot be read: {error}") from error
        ids = np.sort(np.asarray(graph.get_ids_list(), dtype=np.int64))
        if len(ids) != len(vectors):
            raise StaleIndexError(f"index has {len(ids)} pictures in its graph but {len(vectors)} vectors")
        index = cls(graph, vectors, ids, threads)
        index.set_ef(ef)  # not in the file: hnswlib would search with 10
        return index

    def save(self, graph_file: Path, vectors_file: Path) -> None:
        """Write both files; VectorIndexError when the graph did not arrive (hnswlib itself stays silent)."""
        self._graph.save_index(str(graph_file))
        if not graph_file.is_file() or graph_file.stat().st_size < self._vectors.nbytes:
            raise VectorIndexError("the index could not be written whole; is the disk full?")
        np.save(vectors_file, self._vectors, allow_pickle=False)

    @property
    def count(self) -> int:
        """How many pictures it holds."""
        return len(self._ids)

    @property
    def dim(self) -> int:
        """How long a vector is."""
        return int(self._vectors.shape[1])

    @property
    def ids(self) -> Ids:
        """Its pictures' ids, ascending; a copy."""
        return self._ids.copy()

    @property
    def ef(self) -> int:
        """How many candidates a search keeps."""
        return int(self._graph.ef)

    def set_ef(self, ef: int) -> None:
        """Set the candidates a search keeps: for the builder, before the index is shared."""
        self._graph.set_ef(positive("ef", ef))

    def vectors_of(self, ids: Chosen) -> Vectors:
        """Return the unit vectors [n, D] of ids that it holds; VectorIndexError names the first other."""
        wanted = _as_ids(ids)
        rows = np.minimum(np.searchsorted(self._ids, wanted), self.count - 1)
        unknown = wanted[self._ids[rows] != wanted]
        if len(unknown):
            raise VectorIndexError(f"picture {unknown[0]} is not in the index")
        return np.asarray(self._vectors[rows])

    def held(self, ids: Chosen) -> Ids:
        """Return those of `ids` that it holds, ascending."""
        return np.intersect1d(self._ids, _as_ids(ids))

    def remaining(self, *, allowed_ids: Chosen | None = None, exclude: Chosen = frozenset()) -> int:
        """Return among how many pictures a search with this filter chooses."""
        kept = self._kept(allowed_ids, exclude)
        return self.count if kept is None else int(kept.sum())

    def search(
        self,
        queries: NDArray[Any],
        k: int,
        *,
        allowed_ids: Chosen | None = None,
        exclude: Chosen = frozenset(),
    ) -> tuple[Ids, Vectors]:
        """Return the ids and cosines [Q, k] of the nearest pictures, best first; equal cosines by id.

        `allowed_ids` keeps only those pictures, `exclude` leaves some out; ids it does not hold are ignored.
        Shapes: queries [Q, D] float32 or float64, any length but 0.
        Raises: VectorIndexError for other queries and for k outside 1 to the pictures that remain.
        """
        unit = self._checked_queries(queries)
        kept = self._kept(allowed_ids, exclude)
        remaining = self.count if kept is None else int(kept.sum())
        if not 1 <= whole("k", k) <= remaining:
            raise VectorIndexError(f"k must lie between 1 and the {remaining} pictures searched, got {k}")
        if kept is None:
            found = self._graph_search(unit, k)
            return self._exact(unit, k, np.arange(self.count)) if found is None else found
        if allowed_ids is not None and remaining < EXACT_BELOW:
            return self._exact(unit, k, np.flatnonzero(kept))
        return self._over_fetched(unit, k, kept)

    def exact_search(self, queries: NDArray[Any], k: int) -> tuple[Ids, Vectors]:
        """Return what `search` would if it compared with every picture."""
        unit = self._checked_queries(queries)
        if not 1 <= whole("k", k) <= self.count:
            raise VectorIndexError(f"k must lie between 1 and the {self.count} pictures searched, got {k}")
        return self._exact(unit, k, np.arange(self.count))

    def _exact(self, unit: Vectors, k: int, rows: NDArray[np.intp]) -> tuple[Ids, Vectors]:
        return nearest(unit, self._vectors, self._ids, rows, k)

    def _checked_queries(self, queries: NDArray[Any]) -> Vectors:
        unit = unit_vectors("queries", queries)
        if unit.shape[1] != self.dim:  # hnswlib would read past the end of each query
            raise VectorIndexError(f"queries have {unit.shape[1]} dimensions, the index has {self.dim}")
        return unit

    def _kept(self, allowed: Chosen | None, exclude: Chosen) -> NDArray[np.bool_] | None:
        """Return which rows a search may answer with; None for all."""
        if allowed is None and len(exclude) == 0:
            return None
        kept = np.ones(self.count, dtype=np.bool_)
        if allowed is not None:
            kept = np.isin(self._ids, _as_ids(allowed))
        kept[np.isin(self._ids, _as_ids(exclude))] = False
        return kept

    def _graph_search(self, unit: Vectors, k: int) -> tuple[Ids, Vectors] | None:
        """Return the graph's answer; None where only a full comparison can tell.

        The graph keeps max(ef, what is asked) candidates, so asking for more is how one search widens its
        beam without touching `ef`, which other threads read: at least twice k, or recall falls at large k.
        """
        asked = k if 2 * k <= self.ef else 2 * k
        if asked > self.count // 2:
            return None
        try:
            labels, distances = self._graph.knn_query(unit, k=asked, num_threads=self._threads)
        except RuntimeError:
            return None  # fewer than asked can be reached: many equal vectors can split the graph
        return best(labels.astype(np.int64), 1 - distances, k)

    def _over_fetched(self, unit: Vectors, k: int, kept: NDArray[np.bool_]) -> tuple[Ids, Vectors]:
        """Ask the graph for more and drop what is not kept, doubling until every query has its k."""
        remaining = int(kept.sum())
        enough = k + self.count - remaining
        fetch = min(enough, -(-2 * k * self.count // remaining))
        while (found := self._graph_search(unit, fetch)) is not None:
            ids, scores = found
            usable = kept[np.searchsorted(self._ids, ids)]
            if (usable.sum(axis=1) >= k).all():
                return best(ids, np.where(usable, scores, -np.inf), k)
            fetch = min(2 * fetch, enough)
        return self._exact(unit, k, np.flatnonzero(kept))


def _as_ids(chosen: Chosen) -> Ids:
    return chosen.astype(np.int64) if isinstance(chosen, np.ndarray) else np.fromiter(chosen, np.int64)
