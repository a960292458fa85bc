"""Fewer dimensions: axes that keep cosines best, all of them together exactly; rows that are zero where cut."""

import numpy as np
import pytest

from mlcore.evaluation import truncation
from mlcore.evaluation.metrics import retrieval_metrics
from mlcore.evaluation.ranking import unit_rows
from mlcore.evaluation.truncation import first_coordinates, principal_axes


def clustered(count: int = 240, dims: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 12
    return random.normal(size=(12, dims))[labels] + random.normal(size=(count, dims)), labels


def test_all_axes_together_change_no_metric() -> None:
    rows, labels = clustered()
    axes = principal_axes(clustered(seed=1)[0])
    assert axes is not None
    assert np.allclose(axes.T @ axes, np.eye(24))
    assert retrieval_metrics(rows @ axes, labels) == retrieval_metrics(rows, labels)


def test_the_first_axes_keep_the_cosines_best() -> None:
    rows = clustered()[0] * np.geomspace(1, 0.05, 24)
    unit, axes = unit_rows(rows), principal_axes(rows)
    assert axes is not None
    kept = unit @ axes[:, :6]
    best = np.linalg.svd(unit, full_matrices=False)  # no product of rank 6 is nearer
    low_rank = (best[0][:, :6] * best[1][:6] ** 2) @ best[0][:, :6].T
    assert np.allclose(kept @ kept.T, low_rank)
    turned = np.random.default_rng(0).permutation(24)
    hidden = principal_axes(rows[:, turned])
    assert hidden is not None and np.allclose(np.abs(hidden), np.abs(axes[turned]), atol=1e-6)


def test_axes_need_rows_with_a_direction_and_not_too_many_dimensions(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = clustered()[0]
    with_bad = np.concatenate([rows, np.zeros((2, 24)), np.full((1, 24), np.nan)])
    found, expected = principal_axes(with_bad), principal_axes(rows)
    assert found is not None and expected is not None and np.allclose(np.abs(found), np.abs(expected))
    assert principal_axes(np.empty((0, 24))) is None is principal_axes(np.zeros((3, 24)))
    monkeypatch.setattr(truncation, "MOST_FITTED", 100)
    some = principal_axes(rows)
    assert some is not None and some.shape == (24, 24) and not np.allclose(np.abs(some), np.abs(expected))
    monkeypatch.setattr(truncation, "MOST_DIMS", 23)
    assert principal_axes(rows) is None


def test_a_row_that_is_zero_where_it_is_cut_finds_nothing() -> None:
    rows = np.array([[1.0, 0, 3], [1, 0.1, 1], [0, 0, 1], [0, 0, 2], [0, 0, 5]])
    cut = first_coordinates(rows, 2)
    assert cut.shape == (5, 3) and cut[:, 2].tolist() == [0, 0, 1, 1, 1]
    # Of the three rows without a direction two are of one class, but at a tie the wrong one comes first.
    assert retrieval_metrics(cut, [0, 0, 1, 1, 2], (1,)).recall_at[1] == 0.5
    assert first_coordinates(rows, 3).shape == (5, 3)
