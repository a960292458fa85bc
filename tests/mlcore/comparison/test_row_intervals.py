"""A row's interval has the spread between classes and that between seeds, once each."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.comparison.row_intervals import row_intervals
from mlcore.evaluation.intervals import class_intervals, mean_interval

LABELS = np.repeat(np.arange(40), 6)


def scores(seed: int) -> NDArray[np.float64]:
    """Draw what queries earn, alike within a class, as it is in truth."""
    random = np.random.default_rng(seed)
    values = random.normal(0.5, 0.1, 40)[LABELS] + random.normal(0, 0.05, len(LABELS))
    return np.clip(values, 0, 1)


def test_one_seed_has_the_interval_of_its_own_metrics() -> None:
    alone = row_intervals(LABELS, {"row": {0: scores(0)}, "other": {0: scores(1)}})
    assert alone["row"] == pytest.approx(class_intervals({"m": scores(0)}, LABELS)["m"])


def test_seeds_that_differ_widen_it_and_equal_ones_do_not() -> None:
    same = np.clip(scores(0), 0.2, 0.8)
    rows = {"one": {0: same}, "alike": dict.fromkeys(range(3), same), "apart": {0: same - 0.1, 1: same, 2: same + 0.1}}
    intervals = row_intervals(LABELS, rows)
    assert intervals["alike"] == pytest.approx(intervals["one"])
    assert np.diff(intervals["apart"])[0] > 3 * np.diff(intervals["one"])[0]


def test_the_error_of_two_classes_and_two_seeds_by_hand() -> None:
    by_seed = np.array([[4.0, 4.0, 2.0, 2.0], [8.0, 8.0, 5.0, 5.0]])
    of_classes = (6 - 4.75) ** 2
    of_seeds = ((3 - 4.75) ** 2 + (6.5 - 4.75) ** 2) / 2 - 2 * 4 * (0.5 * 0.5) ** 2 * 4 / (2 * 16)
    square = of_classes + of_seeds
    freedom = square**2 / (of_classes**2 + of_seeds**2)
    expected = mean_interval(4.75, square, freedom, units=2, is_share=False)
    assert row_intervals(np.array([0, 0, 1, 1]), {"row": dict(enumerate(by_seed))})["row"] == pytest.approx(expected)


def test_one_class_and_values_at_the_bounds_have_an_interval() -> None:
    found = row_intervals(np.zeros(3, np.int64), {"row": {0: np.ones(3), 1: np.ones(3)}, "other": {0: np.zeros(3)}})
    assert found["row"] == pytest.approx((0.025 ** (1 / 3), 1)) and found["other"] == pytest.approx(
        (0, 1 - 0.025 ** (1 / 3))
    )
