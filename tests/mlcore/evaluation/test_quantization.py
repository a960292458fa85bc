"""Vectors of one byte a dimension: their range, their error, and that no row depends on another."""

import numpy as np
import pytest

from mlcore.errors import MetricsError
from mlcore.evaluation.metrics import retrieval_metrics
from mlcore.evaluation.quantization import int8_rows
from mlcore.evaluation.ranking import unit_rows


def test_each_row_uses_the_whole_range_by_its_own_scale() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 16)) * np.geomspace(1e-6, 1e6, 50)[:, None]
    whole = int8_rows(rows)
    assert whole.dtype == np.int8 and (np.abs(whole.astype(int)).max(axis=1) == 127).all()
    assert np.array_equal(int8_rows(rows[:7]), whole[:7])
    assert np.array_equal(int8_rows(-rows), -whole)


def test_cosines_move_by_no_more_than_rounding_can() -> None:
    rows = np.random.default_rng(1).normal(size=(200, 64))
    unit, whole = unit_rows(rows), unit_rows(int8_rows(rows))
    # A number moves by half a step of largest / 127 at most, a row by sqrt(D) of these; its length is scaled back.
    steps = np.abs(unit).max(axis=1) / 127
    moved = np.linalg.norm(unit - whole, axis=1)
    assert (moved <= 2 * 0.5 * steps * np.sqrt(64)).all() and moved.max() > 1e-4
    assert np.abs(unit @ unit.T - whole @ whole.T).max() < 0.02


def test_a_metric_hardly_moves() -> None:
    random = np.random.default_rng(2)
    labels = np.arange(300) % 20
    rows = random.normal(size=(20, 32))[labels] + 1.2 * random.normal(size=(300, 32))
    exact, whole = (retrieval_metrics(values, labels).means["map_at_r"] for values in (rows, int8_rows(rows)))
    assert 0.1 < exact < 0.9 and abs(exact - whole) < 0.01


def test_a_row_without_direction_is_an_error() -> None:
    with pytest.raises(MetricsError, match="zeros"):
        int8_rows(np.zeros((2, 3)))
