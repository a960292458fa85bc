from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau
from scipy.stats import t as student

from ratings.services.rating_statistics import (
    FEW_PEOPLE,
    FEW_QUERIES,
    FEWEST_PEOPLE,
    PEOPLE_ENOUGH,
    Ratings,
    estimable,
    interval,
    kendall_tau_b,
    share_in_order,
    why_no_interval,
    widened,
    widening,
)


def ratings(*ballots: tuple[int, int, list[Any]]) -> Ratings:
    """Make ratings of (person, query, scores)."""
    people, queries, scores = zip(*ballots, strict=True)
    return Ratings(np.array(people), np.array(queries), np.array(scores, dtype=float))


def many(random: np.random.Generator, people: int, each: int) -> Ratings:
    return ratings(*((who, query, random.integers(1, 6, 3)) for who in range(people) for query in range(each)))


def test_few_people_widen_intervals_by_students_t() -> None:
    for people in range(FEWEST_PEOPLE, PEOPLE_ENOUGH + 1):
        expected = student.ppf(0.975, people - 1) / student.ppf(0.975, PEOPLE_ENOUGH - 1)
        assert widening(people, 40) == pytest.approx(expected, abs=1e-3)
    assert widening(150, 40) == 1
    assert widened((1.0, 3.0), 1.5) == (0.5, 3.5) and widened(None, 2) is None


@pytest.mark.parametrize(
    ("people", "queries", "code"), [(4, 40, FEW_PEOPLE), (5, 9, FEW_QUERIES), (5, 10, ""), (1, 1, FEW_PEOPLE)]
)
def test_a_bootstrap_needs_people_and_queries(people: int, queries: int, code: str) -> None:
    assert why_no_interval(people, queries) == code


def test_a_figure_that_many_resamples_lack_has_no_interval() -> None:
    assert estimable(np.array([1.0] * 95 + [np.nan] * 5)) and not estimable(np.array([1.0] * 94 + [np.nan] * 6))
    assert interval(np.array([np.nan])) is None and interval(np.array([5, np.nan, 5])) == (5, 5)


def test_the_reach_of_models_is_people_and_queries_that_rated_any() -> None:
    pile = ratings((1, 1, [3, np.nan]), (1, 2, [np.nan, 2]), (7, 2, [np.nan, 2]))
    assert pile.reach(np.array([0])) == (1, 1)
    assert pile.reach(np.array([1])) == (2, 1) and pile.reach(np.array([0, 1])) == (2, 2)


@pytest.mark.parametrize("seed", range(5))
def test_tau_b_is_scipys(seed: int) -> None:
    random = np.random.default_rng(seed)
    measured, rated = random.integers(0, 4, 6).astype(float), random.integers(1, 4, (20, 6)).astype(float)
    expected = [kendalltau(measured, row).statistic for row in rated]
    assert kendall_tau_b(measured, rated) == pytest.approx(expected, abs=1e-10, nan_ok=True)


def test_tau_b_of_nothing_but_ties_or_of_the_unknown_is_unknown() -> None:
    measured = np.array([0.1, 0.2, 0.3])
    assert np.isnan(kendall_tau_b(measured, np.array([[2, 2, 2], [1, np.nan, 2]]))).all()
    assert kendall_tau_b(measured, np.array([[1, 2, 3.0], [3, 2, 1], [2, 2 + 1e-12, 5]])).tolist()[:2] == [1, -1]


def test_a_tie_is_half_in_order() -> None:
    assert share_in_order(np.array([1, 2, 0, -1, np.nan])) == pytest.approx((2 + 0.5) / 4)
