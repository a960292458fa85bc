"""Comparisons of result lists: the recall of an index against exact search, and the overlap of two lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.index.checks import Ids, Vectors
from mlcore.index.engine import SearchableVectors
from mlcore.index.stored import StoredVectors

NEIGHBOURS = 10

TIE = 1e-6
"""What is as near as the exact 10th, but for rounding, is right: duplicates have no order."""


@dataclass(frozen=True)
class RecallEvaluator:
    """Queries [Q, D], the exact cosine [Q] of their k-th neighbour, their ids [Q] if the index has them."""

    queries: Vectors
    own: Ids | None
    kth: Vectors
    k: int

    @classmethod
    def of_own(cls, index: StoredVectors, queries: int, seed: int) -> "RecallEvaluator":
        """Sample pictures of the index; each is left out of its own answer, by id."""
        own = np.random.default_rng(seed).choice(index.ids, min(queries, index.count), replace=False)
        vectors, k = index.vectors_of(own), min(NEIGHBOURS, index.count - 1)
        return cls(vectors, own, _others(own, *index.exact_search(vectors, k + 1))[:, -1], k)

    @classmethod
    def of_unseen(cls, index: StoredVectors, queries: Vectors) -> "RecallEvaluator":
        """Take pictures that the index does not hold."""
        k = min(NEIGHBOURS, index.count)
        return cls(queries, None, index.exact_search(queries, k)[1][:, -1], k)

    def recall_of(self, index: SearchableVectors) -> float:
        """Return the share of found pictures as near as the exact k-th, by the very path that serves."""
        if self.own is None:
            scores = index.search(self.queries, self.k)[1]
        else:
            scores = _others(self.own, *index.search(self.queries, self.k + 1))
        return float((scores >= self.kth[:, None] - TIE).mean())


def _others(own: Ids, ids: Ids, scores: Vectors) -> Vectors:
    """Return scores [Q, k] of answers [Q, k + 1] without the query itself.

    Among duplicates, or by an approximate search, the query may be absent: then the last one goes.
    """
    itself = ids == own[:, None]
    itself[~itself.any(axis=1), -1] = True
    others: Vectors = scores[~itself].reshape(len(own), -1)
    return others


def overlap_at(k: int, first: Sequence[int], second: Sequence[int]) -> float:
    """Return the share of pictures that two result lists have in common among their first k, 0 to 1.

    Where both have fewer than k, the longer one counts as the whole; two empty ones have an overlap of 0.

    Raises:
        ValueError: k < 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    depth = min(k, max(len(first), len(second)))
    return len(set(first[:k]) & set(second[:k])) / depth if depth else 0.0
