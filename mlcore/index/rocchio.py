"""Relevance feedback by Rocchio: a query moved by the marks of its results."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.index.checks import Vectors

TOWARDS = 0.75
AWAY = 0.15
"""The usual weights beside 1 for the query itself: what is not meant says less than what is."""


def moved_query(query: NDArray[Any], more: NDArray[Any], less: NDArray[Any]) -> Vectors:
    """Return the unit query moved towards the mean of `more` and away from the mean of `less`.

    Shapes: query [D]; more and less [n, D], n may be 0; all of unit length. Returns [D].
    Source: Rocchio, "Relevance feedback in information retrieval", 1971.
    """
    moved = np.array(query, np.float64)
    if len(more):
        moved += TOWARDS * np.mean(more, axis=0, dtype=np.float64)
    if len(less):
        moved -= AWAY * np.mean(less, axis=0, dtype=np.float64)
    # Its length cannot be 0: the query may be cancelled by 0.75 + 0.15 at most.
    return (moved / np.linalg.norm(moved)).astype(np.float32)
