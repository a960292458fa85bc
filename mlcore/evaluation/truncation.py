"""Embeddings of fewer dimensions: their first coordinates, or their parts along principal axes."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlcore.evaluation.ranking import Floats, unit_rows

SMALLEST = 8
"""Dimensions that a ladder begins with."""
MOST_FITTED = 16_384
"""Rows that principal axes are fitted on at most: 16,384 of 2,048 dimensions are 256 MiB."""
MOST_DIMS = 2048
"""Beyond it no axes are fitted: their time grows with the cube of the dimensions."""


def principal_axes(embeddings: ArrayLike) -> Floats | None:
    """Return the axes [D, D] of rows [N, D], a column each, the one along which they reach furthest first.

    Eigenvectors of the second moments of unit rows, not centred: the first d then keep cosines best of all d axes
    (Eckart & Young 1936), and all D together leave every cosine as it is. Of more than MOST_FITTED rows those at even
    steps are taken; rows without a direction are left out. None without rows, or above MOST_DIMS.
    """
    rows = np.asarray(embeddings)
    if rows.shape[1] > MOST_DIMS:
        return None
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_FITTED)).astype(np.int64)]
    rows = rows[np.isfinite(rows).all(axis=1) & rows.any(axis=1)]
    if not len(rows):
        return None
    unit = unit_rows(rows)
    axes: Floats = np.linalg.eigh(unit.T @ unit)[1][:, ::-1]
    return axes


def first_coordinates(embeddings: NDArray[np.floating], dims: int) -> NDArray[np.floating]:
    """Return the first `dims` coordinates of rows [N, D], each row with a direction.

    A row that is zero there gets a coordinate of its own, on which the others are 0: it resembles only its like, and
    at a tie the wrong class comes first.
    """
    kept = embeddings[:, :dims]
    empty = ~kept.any(axis=1)
    return np.column_stack([kept, empty]) if empty.any() else kept
