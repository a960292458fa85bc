"""Exact search over the vectors of an index: for filters that leave few pictures, and to measure recall."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.index.checks import Ids, Vectors

_ROWS_AT_ONCE = 20_000
_QUERIES_AT_ONCE = 256


def nearest(queries: Vectors, vectors: Vectors, ids: Ids, rows: NDArray[np.intp], k: int) -> tuple[Ids, Vectors]:
    """Return ids and cosines [Q, k], best first, among `rows` of unit vectors [N, D] with ids [N].

    Memory is bounded by 20,000 vectors and 256 x 20,000 scores at a time, whatever N and Q.
    """
    found: list[tuple[Ids, Vectors]] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        chunk = rows[start : start + _ROWS_AT_ONCE]
        held, known, take = vectors[chunk], ids[chunk], min(k, len(chunk))
        blocks = [
            _unordered_best(queries[first : first + _QUERIES_AT_ONCE] @ held.T, known, take)
            for first in range(0, len(queries), _QUERIES_AT_ONCE)
        ]
        found.append(_joined(blocks, axis=0))
    return best(*_joined(found, axis=1), k)


def best(ids: Ids, scores: NDArray[Any], k: int) -> tuple[Ids, Vectors]:
    """Return the k best of each row, equal scores by id; rounding may have carried a cosine past 1."""
    order = np.lexsort((ids, -scores), axis=1)[:, :k]
    cosines = np.take_along_axis(scores, order, axis=1)
    return np.take_along_axis(ids, order, axis=1), np.clip(cosines, -1, 1)


def _unordered_best(cosines: Vectors, ids: Ids, k: int) -> tuple[Ids, Vectors]:
    places = np.argpartition(cosines, cosines.shape[1] - k, axis=1)[:, cosines.shape[1] - k :]
    return ids[places], np.take_along_axis(cosines, places, axis=1)


def _joined(parts: list[tuple[Ids, Vectors]], axis: int) -> tuple[Ids, Vectors]:
    ids, scores = zip(*parts, strict=True)
    return np.concatenate(ids, axis=axis), np.concatenate(scores, axis=axis)
