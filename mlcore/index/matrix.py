"""Vectors in a file, read as they are needed: neither a build nor a search copies the whole of them into memory.

A page that was read through a mapping counts as memory of the process until it is let go; it stays in the system's
page cache, which all processes share.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import StaleIndexError, VectorIndexError
from mlcore.index.checks import Ids, Vectors, checked_ids, unit_vectors

ROWS_AT_ONCE = 20_000


class Matrix(Protocol):
    """Float32 vectors [N, D], of which rows can be read."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: Any, /) -> Any: ...


@dataclass(frozen=True)
class SomeRows:
    """Rows of a matrix as a matrix of their own, without a copy."""

    matrix: Matrix
    rows: NDArray[np.intp]

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.rows), self.matrix.shape[1]

    def __getitem__(self, rows: Any, /) -> Any:
        return self.matrix[self.rows[rows]]


@dataclass(frozen=True)
class UnitVectors:
    """Vectors [N, D] of length 1 with their ids [N], which ascend."""

    ids: Ids
    vectors: Matrix

    @classmethod
    def of(cls, embeddings: NDArray[Any], ids: NDArray[Any]) -> "UnitVectors":
        """Return embeddings [N, D] of any length but 0 in memory; VectorIndexError for what cannot be indexed."""
        order, known = _ascending(embeddings, ids)
        return cls(known, unit_vectors("embeddings", embeddings)[order])

    @classmethod
    def written(cls, file: Path, embeddings: NDArray[Any], ids: NDArray[Any]) -> "UnitVectors":
        """Write them to a .npy file, 20,000 at a time, and return them mapped. Raises as `of` does."""
        order, known = _ascending(embeddings, ids)
        write_rows(file, _unit_chunks(embeddings, order), embeddings.shape)
        return cls(known, mapped(file))


def _ascending(embeddings: NDArray[Any], ids: NDArray[Any]) -> tuple[NDArray[np.intp], Ids]:
    """Return the order that sorts ids, and the ids in that order."""
    known = checked_ids(ids)
    if embeddings.ndim != 2 or 0 in embeddings.shape:
        raise VectorIndexError(f"embeddings must be a filled [count, dim] array, got shape {embeddings.shape}")
    if len(embeddings) != len(known):
        raise VectorIndexError(f"{len(embeddings)} embeddings do not match {len(known)} ids")
    order = np.argsort(known, kind="stable")
    return order, known[order]


def _unit_chunks(embeddings: NDArray[Any], order: NDArray[np.intp]) -> Iterator[Vectors]:
    for start in range(0, len(order), ROWS_AT_ONCE):
        rows = order[start : start + ROWS_AT_ONCE]
        yield unit_vectors("embeddings", embeddings[as_slice(rows)], numbers=rows)
        release_pages(embeddings)


def write_rows(file: Path, chunks: Iterator[Vectors], shape: tuple[int, ...]) -> None:
    """Write float32 rows in chunks as one .npy file."""
    with file.open("wb") as out:
        header = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(out, header)
        for chunk in chunks:
            out.write(np.ascontiguousarray(chunk, "<f4").data)


def mapped(file: Path) -> NDArray[Any]:
    """Return the array of a .npy file, mapped for reading."""
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))


def as_slice(rows: NDArray[np.intp]) -> "slice | NDArray[np.intp]":
    """Return distinct ascending rows as a slice where they follow each other: that reads without a copy."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def require_whole(matrix: Matrix) -> None:
    """Refuse mapped vectors whose file was cut short since: to read beyond its end would end the process.

    Nothing can be done about a file that is cut in the moment between this look and the reading.
    """
    mapping = _mapping(matrix)
    if mapping is not None and mapping.size() < len(mapping):
        raise StaleIndexError("the file of its vectors was cut short while it was in use; rebuild the index")


def release_pages(matrix: Matrix) -> None:
    """Let go of the pages of mapped vectors that were read, or written, so far."""
    mapping = _mapping(matrix)
    if mapping is not None:
        mapping.madvise(mmap.MADV_DONTNEED)


def _mapping(matrix: Any) -> mmap.mmap | None:
    """Return the mapping that an array, or rows of it, read from; None for one in memory."""
    while isinstance(matrix, SomeRows):
        matrix = matrix.matrix
    while isinstance(matrix, np.ndarray):
        matrix = matrix.base
    return matrix if isinstance(matrix, mmap.mmap) else None
