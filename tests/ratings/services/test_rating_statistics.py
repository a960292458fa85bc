from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from ratings.services import rating_statistics
from ratings.services.rating_statistics import (
    Ratings,
    agreement_between_people,
    interval,
    kendall_tau_b,
    resampled_means,
    share_in_order,
)


def ratings(*ballots: tuple[int, int, list[Any]]) -> Ratings:
    """Make ratings of (person, query, scores)."""
    people, queries, scores = zip(*ballots, strict=True)
    return Ratings(np.array(people), np.array(queries), np.array(scores, dtype=float))


def many(random: np.random.Generator, people: int, each: int) -> Ratings:
    return ratings(*((who, query, random.integers(1, 6, 3)) for who in range(people) for query in range(each)))


def test_redraws_lie_around_the_mean_and_come_again() -> None:
    pile = many(np.random.default_rng(1), people=8, each=10)
    drawn = resampled_means(pile)
    assert drawn.shape == (rating_statistics.RESAMPLES, 3) and np.array_equal(drawn, resampled_means(pile))
    assert np.abs(drawn.mean(axis=0) - pile.values.mean(axis=0)).max() < 0.05
    for place in range(3):
        low, high = interval(drawn[:, place]) or (9, 0)
        assert low < pile.values[:, place].mean() < high


def test_blocks_make_no_difference_to_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    pile = many(np.random.default_rng(2), people=3, each=4)
    whole = resampled_means(pile)
    monkeypatch.setattr(rating_statistics, "_WEIGHTS_AT_ONCE", 100)
    parts = resampled_means(pile)
    assert parts.shape == whole.shape and np.abs(parts.mean(axis=0) - whole.mean(axis=0)).max() < 0.1


def test_votes_of_one_person_do_not_count_as_independent() -> None:
    """Ten people of one opinion each: the interval is wide as between ten, not as between a hundred votes."""
    opinionated = ratings(*((who, query, [1 + 4 * (who % 2)]) for who in range(10) for query in range(10)))
    spread = ratings(*((who, query, [1 + 4 * ((who + query) % 2)]) for who in range(10) for query in range(10)))
    widths = [np.ptp(interval(resampled_means(pile)[:, 0]) or 0) for pile in (opinionated, spread)]
    assert widths[0] > 2 * widths[1]


def test_a_model_that_a_redraw_does_not_hold_is_unknown_there() -> None:
    drawn = resampled_means(ratings((1, 1, [3, np.nan]), (2, 2, [3, 5]), (3, 3, [3, np.nan])))
    assert (drawn[:, 0] == 3).all() and set(drawn[~np.isnan(drawn[:, 1]), 1]) == {5} and np.isnan(drawn[:, 1]).any()
    assert interval(drawn[:, 1]) == (5, 5) and interval(np.array([np.nan])) is None


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


def plainly(pile: Ratings) -> tuple[int, int]:
    """Count agreements and comparisons one by one."""
    agreed = compared = 0
    rows = list(zip(pile.queries, pile.values, strict=True))
    for (query, ours), (other, theirs) in combinations(rows, 2):
        if query != other:
            continue
        for a, b in combinations(range(len(ours)), 2):
            if not np.isnan([ours[a], ours[b], theirs[a], theirs[b]]).any():
                compared += 1
                agreed += np.sign(ours[a] - ours[b]) == np.sign(theirs[a] - theirs[b])
    return agreed, compared


def test_people_agree_as_counted_one_by_one() -> None:
    pile = many(np.random.default_rng(3), people=5, each=4)
    pile.values[::4, 1] = np.nan
    agreed, compared = plainly(pile)
    assert agreement_between_people(pile) == (pytest.approx(agreed / compared), compared)


def test_people_agree_about_the_same_query_only() -> None:
    alike = ratings((1, 1, [5, 2]), (2, 1, [3, 1]), (3, 2, [1, 5]))
    assert agreement_between_people(alike) == (1, 1)
    assert agreement_between_people(ratings((1, 1, [5, 2]), (2, 2, [5, 2]))) is None
    assert agreement_between_people(ratings((1, 1, [3, 3]), (2, 1, [2, 2]), (3, 1, [2, 1]))) == (
        pytest.approx(1 / 3),
        3,
    )
