"""The full comparison gives one answer however it is cut up."""

import numpy as np
import pytest

from mlcore.errors import StaleIndexError
from mlcore.index import exact
from mlcore.index.matrix import as_slice

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.standard_normal((57, 5)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
IDS = np.arange(57) * 3
QUERIES = RANDOM.standard_normal((23, 5)).astype(np.float32)
QUERIES /= np.linalg.norm(QUERIES, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [1, 4, 10, 28])
def test_chunks_of_rows_and_queries_change_nothing(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    rows = np.arange(1, 57, 2)
    wanted = np.argsort(-(QUERIES @ VECTORS[rows].T), axis=1)[:, :k]
    monkeypatch.setattr(exact, "ROWS_AT_ONCE", 9)
    monkeypatch.setattr(exact, "_QUERIES_AT_ONCE", 4)
    ids, scores = exact.nearest(QUERIES, VECTORS, IDS, k, rows)
    assert ids.tolist() == IDS[rows][wanted].tolist()
    assert (np.diff(scores, axis=1) <= 0).all()


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    ids, _ = exact.best(np.array([[5, 9, 1, 7, 3]]), np.array([[0.5, 0.9, 0.5, 0.5, 0.9]]), 4)
    assert ids.tolist() == [[3, 9, 1, 5]]


def test_cosines_that_rounding_carried_past_one_are_brought_back() -> None:
    past = np.array([[1.0000002, 0], [-1.0000002, 0]], np.float32)
    _, scores = exact.nearest(np.array([[1, 0]], np.float32), past, np.arange(2), 2)
    assert scores.tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("value", [2.0, np.nan, np.inf])
def test_a_vector_that_was_damaged_in_its_file_is_noticed(value: float) -> None:
    vectors = VECTORS.copy()
    vectors[30] = value
    with pytest.raises(StaleIndexError, match="the file is damaged; rebuild the index"):
        exact.nearest(np.ones((2, 5), np.float32) / np.float32(5**0.5), vectors, IDS, 3)


def test_rows_that_follow_each_other_are_read_without_a_copy() -> None:
    held = VECTORS[as_slice(np.arange(4, 30))]
    assert held.base is VECTORS and len(held) == 26
    assert isinstance(as_slice(np.array([4, 6, 7])), np.ndarray)
