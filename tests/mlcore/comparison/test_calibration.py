"""The tests between rows keep what they promise where the truth is known: the reduced part of benchmarks.statistics.

Table n is drawn with seed n, so no seed is chosen. A promise of 5 % is broken where the binomial interval of the rate
lies above it, as in the full run. Of several designs at once the intervals hold together at 95 %.
"""

import pytest

from benchmarks.statistics import (
    NOMINAL,
    Design,
    any_decision,
    best_is_missed,
    binomial_interval,
    decisions_at_one_seed,
    equal_rows_decided,
    first_pair_decided,
    interval_misses,
    rate,
    rows_that_differ,
)

TABLES = 200


def test_equal_rows_are_told_apart_in_one_table_of_twenty() -> None:
    designs = [Design(classes, 3, noise) for classes in (10, 30, 98) for noise in (0.0, 1.0, 2.0)]
    counts = [round(rate(design, any_decision, TABLES, draws=299)["rate"] * TABLES) for design in designs]
    for design, count in zip(designs, counts, strict=True):
        assert binomial_interval(count, TABLES, 1 - 0.05 / len(designs))[0] <= NOMINAL, (design, count)
    low, high = binomial_interval(sum(counts), TABLES * len(designs))
    assert low <= NOMINAL, counts
    # As good as nothing decided would keep the promise too, and be of no use.
    assert high >= 0.7 * NOMINAL, counts


def test_equal_rows_among_others_that_differ_are_not_told_apart_more_often() -> None:
    found = rate(Design(30, 3, 1.0, true=(20.0, 15.0, 10.0, 5.0)), equal_rows_decided, TABLES, draws=299)
    assert found["low"] <= NOMINAL, found


def test_intervals_hold_the_true_differences_together_and_the_best_row_is_kept() -> None:
    design = Design(30, 3, 1.0, true=(1.0, 0.9, 0.8, 0.7))
    missed = rate(design, interval_misses(design), TABLES, draws=299)
    assert missed["low"] <= NOMINAL, missed
    lost = rate(design, best_is_missed, TABLES, draws=299)
    assert lost["low"] <= NOMINAL, lost


@pytest.mark.parametrize(("classes", "power"), [(30, 0.62), (98, 0.697)])
def test_a_difference_of_two_and_a_half_standard_errors_is_found(classes: int, power: float) -> None:
    """The t-test of one pair, with its variance estimated from 30 and 98 classes, finds .676 and .697 of them."""
    found = rate(Design(classes, 3, rows=2, true=(2.5,)), first_pair_decided, 2 * TABLES, draws=299)
    assert found["high"] >= power and found["low"] >= power - 0.15, found


def test_fifty_rows_that_differ_everywhere_are_all_decided() -> None:
    found = rows_that_differ()
    assert found["decided"] == found["pairs"] == 1225


def test_one_seed_decides_nothing() -> None:
    found = decisions_at_one_seed(20)
    assert found["decided"] == 0 and found["pairs"] == 900


def test_the_interval_of_a_share_is_that_of_clopper_and_pearson() -> None:
    assert binomial_interval(0, 10) == (0.0, pytest.approx(0.3085, abs=1e-4))
    assert binomial_interval(10, 10) == (pytest.approx(0.6915, abs=1e-4), 1.0)
    assert binomial_interval(5, 50) == pytest.approx((0.0333, 0.2181), abs=1e-4)
