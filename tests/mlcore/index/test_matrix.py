"""Vectors in a file are written in chunks, read without a copy, and never beyond the file's end."""

from pathlib import Path

import numpy as np
import pytest

from mlcore.errors import StaleIndexError
from mlcore.index import matrix
from mlcore.index.matrix import SomeRows, UnitVectors, mapped, release_pages, require_whole

ROWS = np.random.default_rng(0).standard_normal((103, 7))
IDS = np.random.default_rng(1).permutation(1000)[:103]


def test_a_file_holds_what_memory_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "ROWS_AT_ONCE", 10)
    written, held = UnitVectors.written(tmp_path / "v.npy", ROWS, IDS), UnitVectors.of(ROWS, IDS)
    assert written.ids.tolist() == held.ids.tolist() == sorted(IDS.tolist())
    assert np.array_equal(written.vectors[:], held.vectors[:])
    assert np.array_equal(np.load(tmp_path / "v.npy"), held.vectors[:])
    release_pages(written.vectors)
    assert np.array_equal(written.vectors[5:9], held.vectors[5:9])  # they are read again
    release_pages(held.vectors)  # nothing to let go of


def test_some_rows_are_a_matrix_of_their_own() -> None:
    some = SomeRows(ROWS, np.array([3, 5, 8]))
    assert some.shape == (3, 7)
    assert np.array_equal(some[np.array([2, 0])], ROWS[[8, 3]]) and np.array_equal(some[1:], ROWS[[5, 8]])


def test_a_file_that_was_cut_short_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "v.npy"
    np.save(file, ROWS.astype(np.float32))
    vectors = mapped(file)
    require_whole(vectors)
    require_whole(SomeRows(vectors, np.arange(3)))
    with file.open("r+b") as opened:
        opened.truncate(1000)
    for cut in (vectors, vectors[4:], SomeRows(vectors, np.arange(3))):
        with pytest.raises(StaleIndexError, match="cut short while it was in use"):
            require_whole(cut)
    require_whole(ROWS)  # memory has no file


def test_a_file_that_is_replaced_by_another_leaves_its_readers_alone(tmp_path: Path) -> None:
    file = tmp_path / "v.npy"
    np.save(file, ROWS.astype(np.float32))
    vectors = mapped(file)
    (tmp_path / "new").write_bytes(b"short")
    (tmp_path / "new").replace(file)
    require_whole(vectors)
    assert np.array_equal(vectors, ROWS.astype(np.float32))
