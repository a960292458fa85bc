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
    if len(queries) == 1 and rows is not None and len(rows) <= ROWS_AT_ONCE:
        return _ordered(*_best_of_one(vectors[as_slice(rows)] @ queries[0], ids[rows], k), k)
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
    return _ordered(*_joined(found, axis=1), k)


def _best_of_one(scores: Vectors, ids: Ids, k: int) -> tuple[Ids, Vectors]:
    """Return the k best for one query [n], or all where these are few: most filters leave a class."""
    if len(scores) > 4 * k:
        places = np.argpartition(scores, len(scores) - k)[len(scores) - k :]
        ids, scores = ids[places], scores[places]
    return ids[None], scores[None]


def _ordered(ids: Ids, scores: Vectors, k: int) -> tuple[Ids, Vectors]:
    """Return the k best in order; what is not a number counted as best so far, so it is here."""
    if not scores.max() <= 1 + _ROUNDING:  # false for nan
        raise StaleIndexError("a vector in its file is not of length 1: the file is damaged; rebuild the index")
    ids, scores = best(ids, scores, k)
    return ids, np.clip(scores, -1, 1, out=scores)


def best(ids: Ids, scores: NDArray[Any], k: int) -> tuple[Ids, Vectors]:
    """Return the k best of each row, equal scores by id."""
    order = np.lexsort((ids, -scores), axis=1)[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _unordered_best(cosines: Vectors, ids: Ids, k: int) -> tuple[Ids, Vectors]:
    places = np.argpartition(cosines, cosines.shape[1] - k, axis=1)[:, cosines.shape[1] - k :]
    return ids[places], np.take_along_axis(cosines, places, axis=1)


def _joined(parts: list[tuple[Ids, Vectors]], axis: int) -> tuple[Ids, Vectors]:
    ids, scores = zip(*parts, strict=True)
    return np.concatenate(ids, axis=axis), np.concatenate(scores, axis=axis)
