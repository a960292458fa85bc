"""Exact search over the vectors of an index: for filters that leave few pictures, and to measure recall."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import StaleIndexError
from mlcore.index.checks import Ids, Vectors
from mlcore.index.matrix import ROWS_AT_ONCE, Matrix, as_slice, require_whole

_QUERIES_AT_ONCE = 256

_ROUNDING = 1e-3
"""How far a product of unit vectors may exceed 1; what exceeds it was no unit vector."""


def nearest(
    queries: Vectors, vectors: Matrix, ids: Ids, k: int, rows: NDArray[np.intp] | None = None
) -> tuple[Ids, Vectors]:
    """Return ids and cosines [Q, k], best first, among `rows` of unit vectors [N, D] with ids [N]; None for all.

    Memory is bounded by 20,000 vectors and 256 x 20,000 scores at a time, whatever N and Q.
    Raises: StaleIndexError when the vectors' file was damaged since it was opened, as far as that shows.
    """
    require_whole(vectors)
    found: list[tuple[Ids, Vectors]] = []
    total = len(ids) if rows is None else len(rows)
    for start in range(0, total, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, total)
        chunk = slice(start, stop) if rows is None else as_slice(rows[start:stop])
        held, known, take = vectors[chunk], ids[chunk], min(k, stop - start)
        blocks = [
            _unordered_best(queries[first : first + _QUERIES_AT_ONCE] @ held.T, known, take)
            for first in range(0, len(queries), _QUERIES_AT_ONCE)
        ]
        found.append(_joined(blocks, axis=0))
    ids, scores = best(*_joined(found, axis=1), k)
    if not (scores[:, 0] <= 1 + _ROUNDING).all():  # false for nan
        raise StaleIndexError("a vector in its file is not of length 1: the file is damaged; rebuild the index")
    return ids, np.clip(scores, -1, 1)


def best(ids: Ids, scores: NDArray[Any], k: int) -> tuple[Ids, Vectors]:
    """Return the k best of each row, equal scores by id, nan first."""
    order = np.lexsort((ids, np.where(np.isnan(scores), -np.inf, -scores)), axis=1)[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _unordered_best(cosines: Vectors, ids: Ids, k: int) -> tuple[Ids, Vectors]:
    places = np.argpartition(cosines, cosines.shape[1] - k, axis=1)[:, cosines.shape[1] - k :]  # nan counts as best
    return ids[places], np.take_along_axis(cosines, places, axis=1)


def _joined(parts: list[tuple[Ids, Vectors]], axis: int) -> tuple[Ids, Vectors]:
    ids, scores = zip(*parts, strict=True)
    return np.concatenate(ids, axis=axis), np.concatenate(scores, axis=axis)
