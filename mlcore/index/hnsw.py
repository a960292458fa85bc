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
from mlcore.index.checks import Ids, Vectors, bounded_threads, positive, whole
from mlcore.index.codes import Codes, Rows, Subset
from mlcore.index.matrix import Matrix, mapped
from mlcore.index.stored import Chosen, StoredVectors

SPACE = "ip"
"""Inner product of unit vectors, that is the cosine; hnswlib's own distance is 1 - cosine."""

EXACT_BELOW = 20_000
"""A filter that allows fewer pictures is answered exactly: 0.1 ms a query against 25 ms for hnswlib's filter,
which calls Python for every candidate (2 % of 100,000 x 512)."""

ROWS_A_CANDIDATE = 20
"""How many rows are compared exactly in the time in which the graph finds one more candidate (100,000 x 128)."""


def open_graph(file: Path, dim: int, room: int = 0) -> Any:
    """Return hnswlib's graph of a file, with room for so many more vectors; StaleIndexError if it cannot be read.

    It notices little damage: check the file's sum first.
    """
    graph = hnswlib.Index(space=SPACE, dim=dim)
    try:
        graph.load_index(str(file))
        if room:
            graph.resize_index(graph.element_count + room)
    except (OSError, RuntimeError) as error:
        raise StaleIndexError(f"index cannot be read: {error}") from error
    return graph


class VectorIndex(StoredVectors):
    """Unit vectors by id, searched by cosine; made by `IndexBuilder` or `open`, and unchanged by searches.

    Beside the graph it has the vectors as a matrix, for filters and fallbacks: hnswlib gives vectors back
    only as Python lists (half a second for 20,000 x 512). `open` maps that matrix from its file, so it costs
    page cache that all processes share and no memory of its own. The graph may hold deleted vectors besides,
    which it never answers with. No search does work that grows with the number of pictures, but for one with a
    filter whose pictures are all far from the query. Safe to search from many threads at once.
    """

    def __init__(self, graph: Any, vectors: Matrix, ids: Ids, threads: int, codes: Codes | None = None) -> None:
        """Take over a filled graph, with vectors [N, D] and codes [N] in the order of ids [N], which ascend."""
        super().__init__(vectors, ids)
        self._graph = graph
        self._ef = int(graph.ef)
        self._threads = bounded_threads(threads)
        self.codes = codes

    @classmethod
    def open(
        cls,
        graph_file: Path,
        vectors_file: Path,
        *,
        dim: int,
        ef: int,
        ids: Ids | None = None,
        codes: Codes | None = None,
        threads: int = 1,
        room: int = 0,
    ) -> "VectorIndex":
        """Load files. hnswlib notices little damage: check the files' sums first.

        ids: the pictures', ascending; None: all that the graph holds. room: see `open_graph`.
        Raises: StaleIndexError when the files do not belong together or have another dim.
        """
        try:
            vectors = mapped(vectors_file)
        except (OSError, ValueError) as error:
            raise StaleIndexError(f"index cannot be read: {error}") from error
        if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
            raise StaleIndexError(f"index has {vectors.dtype} {vectors.shape}, not float32 of dim {dim}")
        graph = open_graph(graph_file, dim, room)
        if ids is None:
            ids = np.sort(np.asarray(graph.get_ids_list(), dtype=np.int64))
        if len(ids) != len(vectors):
            raise StaleIndexError(f"index has {len(ids)} pictures in its graph but {len(vectors)} vectors")
        if codes is not None and len(codes) != len(ids):
            raise StaleIndexError(f"index has {len(ids)} pictures but the classes of {len(codes)}")
        index = cls(graph, vectors, ids, threads, codes)
        index.set_ef(ef)  # not in the file: hnswlib would search with 10
        return index

    def save_graph(self, file: Path) -> None:
        """Write the graph; VectorIndexError when it did not arrive (hnswlib itself stays silent)."""
        self._graph.save_index(str(file))
        if not file.is_file() or file.stat().st_size < 4 * self.count * self.dim:
            raise VectorIndexError("the index could not be written whole; is the disk full?")

    @property
    def graph(self) -> Any:
        """hnswlib's graph, for those who let an index grow before it is shared."""
        return self._graph

    @property
    def ef(self) -> int:
        """How many candidates a search keeps."""
        return int(self._graph.ef)

    def set_ef(self, ef: int) -> None:
        """Set the candidates a search keeps: for the builder, before the index is shared."""
        self._graph.set_ef(positive("ef", ef))
        self._ef = ef

    def with_ef(self, ef: int) -> "VectorIndex":
        """Set the candidates a search keeps, and return the index: for the builder too."""
        self.set_ef(ef)
        return self

    def subset(self, ids: Chosen) -> Subset:
        """Return the filter that keeps those of `ids` that it holds."""
        return Subset(self.rows_of(ids), self.count)

    def filtered(
        self,
        labels: Collection[int] | None,
        splits: Collection[str] | None,
        *,
        also: Chosen = (),
        without: Chosen = (),
    ) -> Subset:
        """Return the filter that keeps pictures by their stored codes, and `also` some others but not those `without`.

        Raises: VectorIndexError when it has no codes.
        """
        if self.codes is None:
            raise VectorIndexError("the index does not know the classes of its pictures; rebuild it")
        found = self.codes.subset(labels, splits)
        if len(also) == 0 and len(without) == 0:
            return found
        return found.corrected(self.rows_of(without), self.rows_of(also))

    def nearest(
        self, query: Vectors, k: int, *, allowed: Subset | None = None, exclude: Chosen = ()
    ) -> tuple[Ids, Vectors]:
        """Return the ids and cosines of the pictures nearest to a query [D], best first: k, or all that are left."""
        k = min(k, self.remaining(allowed=allowed, exclude=exclude))
        if k == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        ids, cosines = self.search(query[None], k, allowed=allowed, exclude=exclude)
        return ids[0], cosines[0]

    def remaining(self, *, allowed: Subset | Chosen | None = None, exclude: Chosen = frozenset()) -> int:
        """Return among how many pictures a search with this filter chooses."""
        return self._remaining(self._subset_of(allowed), self.rows_of(exclude))

    def search(
        self,
        queries: NDArray[Any],
        k: int,
        *,
        allowed: Subset | Chosen | None = None,
        exclude: Chosen = frozenset(),
    ) -> tuple[Ids, Vectors]:
        """Return the ids and cosines [Q, k] of the nearest pictures, best first; equal cosines by id.

        `allowed` keeps only those pictures, `exclude` leaves some out; ids it does not hold are ignored.
        Shapes: queries [Q, D] float32 or float64, any length but 0.
        Raises: VectorIndexError for other queries and for k outside 1 to the pictures that remain; StaleIndexError
            when a file was damaged since it was opened.
        """
        unit = self._checked_queries(queries)
        if allowed is None and len(unit) == 1 and len(exclude) < 2:
            found = self._usual_search(unit, k, exclude)
            if found is not None:
                return found
        subset, excluded = self._subset_of(allowed), self.rows_of(exclude)
        remaining = self._remaining(subset, excluded)
        self._check_k(k, remaining)
        if subset is not None and remaining < EXACT_BELOW:
            return self._exact(unit, k, subset, excluded)
        if remaining == self.count:
            found = self._graph_search(unit, k)
        else:
            found = self._over_fetched(unit, k, remaining, subset, excluded)
        return self._exact(unit, k, subset, excluded) if found is None else (found[0][:, :k], found[1][:, :k])

    def _usual_search(self, unit: Vectors, k: int, exclude: Chosen) -> tuple[Ids, Vectors] | None:
        """Answer one query that leaves out itself at most, in the fewest steps: each costs beside 50 µs in the graph.

        None where that takes a closer look.
        """
        if not 1 <= whole("k", k) < self.count:
            return None
        found = self._graph_search(unit, k + len(exclude))
        if found is None:
            return None
        ids, cosines = found
        for one in exclude:  # at most once among the k + 1
            kept = ids != one
            ids, cosines = ids[kept][None], cosines[kept][None]
        return ids[:, :k], cosines[:, :k]

    def _subset_of(self, allowed: Subset | Chosen | None) -> Subset | None:
        return allowed if allowed is None or isinstance(allowed, Subset) else self.subset(allowed)

    def _remaining(self, subset: Subset | None, excluded: Rows) -> int:
        if subset is None:
            return self.count - len(excluded)
        return len(subset.rows) - subset.count_of(excluded)

    def _graph_search(self, unit: Vectors, k: int) -> tuple[Ids, Vectors] | None:
        """Return the graph's k nearest or more; None where only a full comparison can tell.

        The graph keeps max(ef, what is asked) candidates, so asking for more is how one search widens its
        beam without touching `ef`, which other threads read: at least twice k, or recall falls at large k.
        It answers by distance, and equal distances by label, which is the order of cosines, and of ids.
        """
        asked = k if 2 * k <= self._ef else 2 * k
        if asked > self.count // 2:
            return None
        try:
            labels, distances = self._graph.knn_query(unit, k=asked, num_threads=self._threads)
        except RuntimeError:
            return None  # fewer than asked can be reached: many equal vectors can split the graph
        cosines: Vectors = np.subtract(1, distances, out=distances)
        if len(cosines) > 1 or cosines[0, 0] > 1 or cosines[0, -1] < -1:  # which rounding may do
            np.clip(cosines, -1, 1, out=cosines)
        return labels.view(np.int64), cosines

    def _over_fetched(
        self, unit: Vectors, k: int, remaining: int, subset: Subset | None, excluded: Rows
    ) -> tuple[Ids, Vectors] | None:
        """Ask the graph for more and drop what is not kept, doubling until every query has its k.

        None where a full comparison of what remains is the shorter way, or the only one.
        """
        left_out = self._ids[excluded]
        enough = k + self.count - remaining
        fetch = min(enough, -(-2 * k * self.count // remaining))
        while fetch == k + len(excluded) or ROWS_A_CANDIDATE * fetch < remaining:
            found = self._graph_search(unit, fetch)
            if found is None:
                return None
            usable = ~_among(found[0], left_out)
            if subset is not None:
                usable &= subset.mask[self._ids.searchsorted(found[0])]
            if len(unit) == 1:
                places = usable[0].nonzero()[0]
                if len(places) >= k:
                    return found[0][:, places], found[1][:, places]
            elif (usable.sum(axis=1) >= k).all():
                order = np.argsort(~usable, axis=1, kind="stable")[:, :k]
                return np.take_along_axis(found[0], order, axis=1), np.take_along_axis(found[1], order, axis=1)
            fetch = min(2 * fetch, enough)
        return None


def _among(ids: Ids, few: Ids) -> NDArray[np.bool_]:
    """Return which of ids [Q, n] are among a few others, which ascend."""
    found: NDArray[np.bool_]
    if len(few) < 2:
        found = ids == (few[0] if len(few) else -1)
        return found
    found = few[np.minimum(few.searchsorted(ids), len(few) - 1)] == ids
    return found
