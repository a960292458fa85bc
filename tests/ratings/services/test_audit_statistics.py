"""Removals, drift and sampling, in simulations whose truth is known."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from benchmarks.ratings import Design, simulate
from ratings.services.audit_drift import FEW_BALLOTS, drift_of_difference, drift_of_level, in_periods
from ratings.services.audit_removals import smallest_removal
from ratings.services.audit_sampling import Sampling, sampling
from ratings.services.ballot_influence import influences
from ratings.services.centred_means import centred_means
from ratings.services.rating_statistics import FEW_PEOPLE, Floats, Ints, Ratings
from tests.ratings.services.test_people_statistics import crossed

REPEATS = 40


def without(ratings: Ratings, removed: Ints) -> Floats:
    kept = np.setdiff1d(np.arange(len(ratings.people)), removed)
    return centred_means(Ratings(ratings.people[kept], ratings.queries[kept], ratings.values[kept])).values


def of_few(seed: int, ballots: int = 9, models: int = 2) -> Ratings:
    random = np.random.default_rng(seed)
    values = random.integers(1, 6, (ballots, models)).astype(float)
    return Ratings(np.arange(ballots), np.arange(ballots), values)


# --- removals


@pytest.mark.parametrize("models", [2, 5, 8])
@pytest.mark.parametrize("seed", range(4))
def test_the_winner_changes_with_the_removal_and_not_with_one_ballot_less(models: int, seed: int) -> None:
    ratings = simulate(Design(10, 6, models=models, gap=0.1), np.random.default_rng(seed))
    means = centred_means(ratings).values
    found = smallest_removal(ratings, means)
    assert found is not None and found.winner == means.argmax() and found.share == len(found.removed) / 60
    after = without(ratings, found.removed)
    assert np.nanargmax(after) == found.after != found.winner
    before = without(ratings, found.removed[:-1])
    assert np.nanmax(before) <= before[found.winner] + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_of_two_models_on_every_ballot_it_is_the_smallest_there_is(seed: int) -> None:
    ratings = of_few(seed)
    gaps = ratings.values[:, 0] - ratings.values[:, 1]
    gaps = gaps if gaps.sum() > 0 else -gaps
    smallest = next(
        (
            size
            for size in range(5)
            if any(gaps.sum() - gaps[list(removed)].sum() < 0 for removed in combinations(range(9), size))
        ),
        None,
    )
    found = smallest_removal(ratings, centred_means(ratings).values)
    if gaps.sum() == 0:
        assert found is not None and not len(found.removed)
    else:
        assert (len(found.removed) if found else None) == smallest


def test_influences_are_what_leaving_a_ballot_out_changes() -> None:
    ratings = simulate(Design(20, 20, models=6), np.random.default_rng(0))
    means = centred_means(ratings).values
    moved = influences(ratings, 0, 1)
    exact = []
    for ballot in range(0, 400, 40):
        left = without(ratings, np.array([ballot]))
        exact.append((means[0] - means[1]) - (left[0] - left[1]))
    assert np.corrcoef(moved[::40], exact)[0, 1] > 0.999 and moved[::40] == pytest.approx(exact, abs=2e-3)
    assert moved.sum() == pytest.approx(0, abs=1e-9)


def test_a_clear_winner_stays_without_half_of_the_ballots_and_a_tie_needs_no_removal() -> None:
    clear, level = crossed(6, 12, [5, 1]), crossed(6, 12, [3, 3])
    assert smallest_removal(clear, centred_means(clear).values) is None
    tie = smallest_removal(level, centred_means(level).values)
    assert tie is not None and (len(tie.removed), tie.share) == (0, 0)


def test_one_model_alone_cannot_be_toppled() -> None:
    alone = crossed(3, 3, [4])
    assert smallest_removal(alone, centred_means(alone).values) is None


# --- drift


def in_order(random: np.random.Generator, *, kinder: float = 0.0, later: float = 0.0) -> Ratings:
    """Make 400 ballots by 20 people in random order; kinder: by so much at the end, later: of model 1 alone."""
    whole = simulate(Design(20, 20, models=2), random)
    order = random.permutation(400)
    time = np.linspace(0, 1, 400)[:, None]
    values = whole.values[order] + kinder * time + later * time * np.array([0, 1])
    return Ratings(whole.people[order], whole.queries[order], values)


def drifts(ratings: Ratings) -> tuple[bool, bool]:
    means = centred_means(ratings).values
    return drift_of_level(ratings, means).is_found, drift_of_difference(ratings, 0, 1).is_found


def test_planted_drift_is_found_and_its_size_is_right() -> None:
    random = np.random.default_rng(0)
    ratings = in_order(random, kinder=1.0)
    found = drift_of_level(ratings, centred_means(ratings).values)
    assert found.is_found and found.low is not None and found.high is not None
    assert found.low <= 0.875 <= found.high and found.change == pytest.approx(0.875, abs=0.4)
    assert len(found.periods) == 8 and (found.periods[0].first, found.periods[-1].last) == (1, 400)
    apart = drift_of_difference(in_order(random, later=1.5), 0, 1)
    assert apart.is_found and apart.change is not None and apart.change < -0.8


def test_a_kinder_time_is_no_drift_of_the_difference() -> None:
    assert not drift_of_difference(in_order(np.random.default_rng(1), kinder=2.0), 0, 1).is_found


def test_without_drift_hardly_any_is_found() -> None:
    random = np.random.default_rng(2)
    found = np.array([drifts(in_order(random)) for _ in range(REPEATS)])
    assert found.any(axis=1).mean() <= 0.05 + 3 * sqrt(0.05 * 0.95 / REPEATS)


def test_a_worse_model_that_joins_late_is_no_drift_of_the_level() -> None:
    random = np.random.default_rng(3)
    values = np.clip(np.round(random.normal([4, 3.5, 1.5], 0.7, (300, 3))), 1, 5)
    values[:150, 2] = np.nan
    ratings = Ratings(random.integers(0, 15, 300), random.integers(0, 40, 300), values)
    means = centred_means(ratings).values
    assert not drift_of_level(ratings, means).is_found
    apart = drift_of_difference(ratings, 0, 2)
    assert [one.value is None for one in apart.periods] == [True] * 4 + [False] * 4 and not apart.is_found


def test_few_ballots_have_no_trend_and_few_people_no_test() -> None:
    few = crossed(5, 5, [4, 2])
    found = drift_of_level(few, centred_means(few).values)
    assert (found.periods, found.change, found.no_interval) == (
        (),
        None,
        FEW_BALLOTS,
    ) and "30" in found.no_interval_text
    one = crossed(1, 60, [4, 2])
    found = drift_of_level(one, centred_means(one).values)
    assert len(found.periods) == 6 and (found.low, found.no_interval) == (None, FEW_PEOPLE) and not found.is_found


@pytest.mark.parametrize("ballots", [0, 29, 30, 79, 80, 83, 10_001])
def test_periods_are_equal_and_cover_all(ballots: int) -> None:
    periods = in_periods(ballots)
    assert (not periods) == (ballots < 30)
    sizes = [part.stop - part.start for part in periods]
    assert sum(sizes) == (ballots if periods else 0) and max(sizes, default=0) - min(sizes, default=0) <= 1


# --- sampling


def drawn(random: np.random.Generator, wanted: Floats, given: Floats, ballots: int = 400) -> Sampling:
    """Sample ballots with the probabilities given, where those wanted were logged."""
    return sampling(random.random((ballots, len(wanted))) < given, np.tile(wanted, (ballots, 1)))


def test_models_that_are_drawn_as_logged_are_hardly_ever_off() -> None:
    random = np.random.default_rng(0)
    wanted = np.array([0.5, 0.5, 0.6, 0.4, 0.9, 0.1])
    off = [bool(drawn(random, wanted, wanted).off) for _ in range(400)]
    assert np.mean(off) <= 0.05 + 3 * sqrt(0.05 * 0.95 / 400)


def test_unequal_sampling_is_seen() -> None:
    found = drawn(np.random.default_rng(1), np.full(4, 0.5), np.array([0.5, 0.5, 0.5, 0.8]))
    assert [one.model for one in found.off] == [3] and not found.is_unequal
    assert found.models[3].expected == 200 and found.models[3].share == pytest.approx(0.8, abs=0.06)
    rare = drawn(np.random.default_rng(2), np.array([0.9, 0.9, 0.1]), np.array([0.9, 0.9, 0.1]))
    assert rare.is_unequal and not rare.off and rare.ratio is not None and rare.ratio > 5


def test_a_certain_probability_must_come_true() -> None:
    found = sampling(np.array([[True, False]] * 5), np.ones((5, 2)))
    assert [one.model for one in found.off] == [1] and found.ratio is None and found.is_unequal


def test_ballots_that_logged_nothing_are_counted_and_not_tested() -> None:
    shown = np.ones((6, 2), dtype=bool)
    found = sampling(shown, np.full((6, 2), np.nan))
    assert found.without_propensity == 6 and not found.off and [one.expected for one in found.models] == [None, None]
    empty = sampling(np.zeros((0, 2), dtype=bool), np.zeros((0, 2)))
    assert (
        empty.ratio is None and not empty.off and not empty.is_unequal and [one.share for one in empty.models] == [0, 0]
    )
