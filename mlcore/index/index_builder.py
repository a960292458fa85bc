"""An HNSW graph built step by step, searchable in between: so it can be measured by pictures it does not hold."""

from typing import Any

import hnswlib
import numpy as np
from numpy.typing import NDArray

from mlcore.errors import VectorIndexError
from mlcore.events import Progress, no_progress
from mlcore.index.checks import Ids, Vectors, bounded_threads, positive
from mlcore.index.hnsw import SPACE, VectorIndex
from mlcore.index.matrix import SomeRows, UnitVectors, release_pages

_ROWS_PER_CHUNK = 1000


class IndexBuilder:
    """Vectors on their way into a graph of M links each; with several threads two builds differ a little.

    They enter in an order of chance: data sets come class by class, and every part of a shuffled set is a
    fair sample of it. Beside the graph it needs next to no memory where the vectors are mapped from a file.
    """

    def __init__(
        self, units: UnitVectors, *, M: int = 16, ef_construction: int = 200, seed: int = 0, threads: int = 1
    ) -> None:
        self._ids, self._vectors = units.ids, units.vectors
        self._order = np.random.default_rng(seed).permutation(len(units.ids))
        self._grown = 0
        self._threads = bounded_threads(threads)
        self.links = positive("M", M)
        self._graph = hnswlib.Index(space=SPACE, dim=units.vectors.shape[1])
        self._graph.init_index(
            max_elements=len(units.ids),
            M=self.links,
            ef_construction=positive("ef_construction", ef_construction),
            random_seed=seed,
        )

    @classmethod
    def of(cls, embeddings: NDArray[Any], ids: NDArray[Any], **settings: Any) -> "IndexBuilder":
        """Return a builder of embeddings [N, D] in memory; VectorIndexError for what cannot be indexed."""
        return cls(UnitVectors.of(embeddings, ids), **settings)

    def grow(self, count: int | None = None, *, ef: int = 50, progress: Progress = no_progress) -> VectorIndex:
        """Add vectors until the graph holds `count`, or all; growing on spoils the index returned before."""
        total = len(self._ids)
        stop = total if count is None else count
        if not self._grown < stop <= total:
            raise VectorIndexError(f"an index of {self._grown} can grow up to {total} pictures, got {count}")
        while self._grown < stop:
            rows = self._order[self._grown : min(self._grown + _ROWS_PER_CHUNK, stop)]
            self._graph.add_items(self._vectors[rows], self._ids[rows], num_threads=self._threads)
            release_pages(self._vectors)
            self._grown += len(rows)
            progress("index", self._grown, total)
        if stop == total:
            index = VectorIndex(self._graph, self._vectors, self._ids, self._threads)
        else:
            held = np.sort(self._order[:stop])
            index = VectorIndex(self._graph, SomeRows(self._vectors, held), self._ids[held], self._threads)
        index.set_ef(ef)
        return index

    def waiting(self) -> tuple[Ids, Vectors]:
        """Return the ids and unit vectors that the graph does not hold yet."""
        rows = self._order[self._grown :]
        return self._ids[rows], np.asarray(self._vectors[rows])
