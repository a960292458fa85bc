"""Intervals of means count classes, not queries, and stay within 0 and 1."""

import numpy as np
import pytest
from scipy.special import expit, logit, stdtrit

from benchmarks.statistics import binomial_interval, coverage
from mlcore.errors import MetricsError
from mlcore.evaluation.intervals import class_intervals, mean_interval


def test_an_interval_is_that_of_class_means_on_the_logit_scale() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(9), 4)
    values = random.uniform(0, 1, len(labels))
    means = values.reshape(9, 4).mean(axis=1)
    mean, error = means.mean(), means.std(ddof=1) / 3
    half = stdtrit(8, 0.975) * error / (mean * (1 - mean))
    expected = expit(logit(mean) - half), expit(logit(mean) + half)
    assert class_intervals({"m": values}, labels)["m"] == pytest.approx(expected)


def test_classes_of_other_sizes_weigh_by_their_queries() -> None:
    labels = np.array([7, 3, 3, 3])
    values = np.array([1.0, 0.0, 0.5, 0.25])
    mean = 0.4375
    square = ((1 - mean) ** 2 + (0.75 - 3 * mean) ** 2) / 16 * 2
    expected = mean_interval(mean, square, 1, units=2, is_share=True)
    assert class_intervals({"m": values}, labels)["m"] == pytest.approx(expected)


def test_neither_the_order_of_queries_nor_the_names_of_classes_matter() -> None:
    random = np.random.default_rng(1)
    labels, values = np.repeat(np.arange(6), 5), random.uniform(0, 1, 30)
    order = random.permutation(30)
    same = class_intervals({"m": values[order]}, 100 - labels[order])["m"]
    assert same == pytest.approx(class_intervals({"m": values}, labels)["m"])


def test_the_spread_between_classes_counts_and_not_that_of_queries_alone() -> None:
    """20 classes all right or all wrong are 20 trials, not 200."""
    labels = np.repeat(np.arange(20), 10)
    low, high = class_intervals({"m": (labels % 2 == 0).astype(float)}, labels)["m"]
    assert low == pytest.approx(0.28, abs=0.03) and high == pytest.approx(0.72, abs=0.03)


def test_a_higher_level_is_wider() -> None:
    labels, values = np.repeat(np.arange(6), 5), np.random.default_rng(1).uniform(0, 1, 30)
    wide, narrow = (class_intervals({"m": values}, labels, level=level)["m"] for level in (0.99, 0.5))
    assert wide[0] < narrow[0] < values.mean() < narrow[1] < wide[1]


@pytest.mark.parametrize(("value", "expected"), [(1.0, (0.025 ** (1 / 4), 1.0)), (0.0, (0.0, 1 - 0.025 ** (1 / 4)))])
def test_all_right_or_all_wrong_is_no_certainty(value: float, expected: tuple[float, float]) -> None:
    labels = np.repeat(np.arange(4), 3)
    assert class_intervals({"m": np.full(12, value)}, labels)["m"] == pytest.approx(expected)


def test_one_class_has_the_spread_between_its_queries() -> None:
    values = np.array([0.2, 0.4, 0.9])
    alone = class_intervals({"m": values}, np.zeros(3, np.int64))["m"]
    assert alone == pytest.approx(class_intervals({"m": values}, np.arange(3))["m"])
    assert class_intervals({"m": np.array([0.5])}, np.array([4]))["m"] == pytest.approx((0.5, 0.5))


def test_values_of_another_unit_have_a_plain_interval() -> None:
    half = stdtrit(4, 0.975) * 2
    assert mean_interval(50.0, 4.0, 4, units=5, is_share=False) == pytest.approx((50 - half, 50 + half))


def test_a_wrong_level_and_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(MetricsError, match=r"1\.0"):
        class_intervals({"m": np.zeros(3)}, np.arange(3), level=1.0)
    with pytest.raises(MetricsError, match="expected 3"):
        class_intervals({"m": np.zeros(2)}, np.arange(3))


@pytest.mark.parametrize(("classes", "sets"), [(8, 1000), (20, 1000), (50, 500), (98, 150)])
def test_intervals_hold_the_mean_over_new_data_sets(classes: int, sets: int) -> None:
    """The reduced part of benchmarks.statistics; set n has seed n. Both metrics of a size hold together at 95 %."""
    for name, found in coverage(classes, sets).items():
        low, high = binomial_interval(round(found["rate"] * sets), sets, 1 - 0.05 / 2)
        assert high >= 0.92 and low <= 0.99, (name, found)
