"""The full comparison gives one answer however it is cut up."""

import numpy as np
import pytest

from mlcore.index import exact

RANDOM = np.random.default_rng(0)
VECTORS = RANDOM.standard_normal((57, 5)).astype(np.float32)
IDS = np.arange(57) * 3
QUERIES = RANDOM.standard_normal((23, 5)).astype(np.float32)


@pytest.mark.parametrize("k", [1, 4, 10, 28])
def test_chunks_of_rows_and_queries_change_nothing(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    rows = np.arange(1, 57, 2)
    wanted = np.argsort(-(QUERIES @ VECTORS[rows].T), axis=1)[:, :k]
    monkeypatch.setattr(exact, "_ROWS_AT_ONCE", 9)
    monkeypatch.setattr(exact, "_QUERIES_AT_ONCE", 4)
    ids, scores = exact.nearest(QUERIES, VECTORS, IDS, rows, k)
    assert ids.tolist() == IDS[rows][wanted].tolist()
    assert (np.diff(scores, axis=1) <= 0).all()


def test_equal_scores_come_in_the_order_of_their_ids() -> None:
    ids, _ = exact.best(np.array([[5, 9, 1, 7, 3]]), np.array([[0.5, 0.9, 0.5, 0.5, 0.9]]), 4)
    assert ids.tolist() == [[3, 9, 1, 5]]


def test_cosines_that_rounding_carried_past_one_are_brought_back() -> None:
    _, scores = exact.best(np.array([[1, 2]]), np.array([[1.0000002, -1.0000002]], dtype=np.float32), 2)
    assert scores.tolist() == [[1.0, -1.0]]
