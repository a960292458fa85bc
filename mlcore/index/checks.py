"""Checks of vectors, ids and queries of an index; hnswlib itself checks next to nothing.

Everything here raises VectorIndexError, which names the value.
"""

import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import VectorIndexError

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]

_SHORT, _LONG = 1e-12, 1e12


def unit_vectors(name: str, values: NDArray[Any], numbers: NDArray[Any] | None = None) -> Vectors:
    """Return the rows scaled to length 1, float32 in C order; hnswlib checks none of this.

    `numbers` are what errors call the rows, by default their places.
    """
    rows = np.asarray(values)
    if rows.dtype not in (np.float32, np.float64):
        raise VectorIndexError(f"{name} must be float32 or float64, got {rows.dtype}")
    if rows.ndim != 2 or 0 in rows.shape:
        raise VectorIndexError(f"{name} must be a filled [count, dim] array, got shape {rows.shape}")
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    for fault, at in (("not finite", ~np.isfinite(largest)), ("all zeros", largest == 0)):
        if at.any():
            row = at.argmax()
            raise VectorIndexError(f"{name}: row {row if numbers is None else numbers[row]} is {fault}")
    unit: Vectors = np.empty(rows.shape, dtype=np.float32)
    np.divide(rows, largest[:, None], out=unit, casting="same_kind")  # first: squares would overflow
    unit /= np.sqrt(np.einsum("nd,nd->n", unit, unit))[:, None]
    return unit


def unit_queries(values: NDArray[Any]) -> Vectors:
    """Return the rows as `unit_vectors` does; one row of usual length takes a short way of a few microseconds."""
    if isinstance(values, np.ndarray) and values.dtype == np.float32 and values.ndim == 2 and len(values) == 1:
        squared = float(values[0].dot(values[0]))
        if _SHORT < squared < _LONG:  # false for nan; beyond these bounds squares lose digits or overflow
            scaled: Vectors = values * np.float32(1 / math.sqrt(squared))
            return scaled
    return unit_vectors("queries", values)


def checked_ids(ids: NDArray[Any]) -> Ids:
    """Return ids as int64; they must be whole, from 0 up and distinct."""
    known = np.asarray(ids)
    if known.ndim != 1 or not np.issubdtype(known.dtype, np.integer):
        raise VectorIndexError(f"ids must be whole numbers [count], got {known.dtype} of shape {known.shape}")
    known = known.astype(np.int64)
    if (known < 0).any():
        raise VectorIndexError(f"ids must not be negative, got {known.min()}")
    values, counts = np.unique(known, return_counts=True)
    if (counts > 1).any():
        raise VectorIndexError(f"id {values[counts.argmax()]} is given {counts.max()} times")
    return known


def whole(name: str, value: int) -> int:
    """Return a whole number as an int; True is none."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise VectorIndexError(f"{name} must be a whole number, got {value!r}")
    return int(value)


def positive(name: str, value: int) -> int:
    """Return a whole number from 1 up."""
    if whole(name, value) < 1:
        raise VectorIndexError(f"{name} must be at least 1, got {value}")
    return int(value)


def bounded_threads(threads: int) -> int:
    """Return threads, at most the machine's; hnswlib's default would take all of these."""
    return min(positive("threads", threads), os.cpu_count() or 1)
