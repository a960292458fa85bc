from typing import Any

import numpy as np
import pytest

from ratings.services import centred_means as module
from ratings.services.centred_means import Estimates, centred_means, rank_ranges, two_way_counts
from ratings.services.rating_statistics import RESAMPLES, Floats, Ratings, interval
from tests.ratings.services.test_rating_statistics import many, ratings

NO_MODEL = np.nan


def plainly(pile: Ratings) -> Floats:
    """Solve the least squares with a dummy a ballot, and put every model on the mean ballot."""
    ballots, models = pile.values.shape
    lines, values = [], []
    for ballot, model in zip(*np.nonzero(~np.isnan(pile.values)), strict=True):
        lines.append(np.eye(ballots + models)[ballot] + np.eye(ballots + models)[ballots + model])
        values.append(pile.values[ballot, model])
    solved = np.linalg.lstsq(np.array(lines), np.array(values), rcond=None)[0]
    result: Floats = solved[ballots:] + solved[:ballots].mean()
    return result


def holed(seed: int, people: int = 6, each: int = 10, models: int = 5, columns: int = 3) -> Ratings:
    """Ratings of some models a ballot, at random."""
    random = np.random.default_rng(seed)
    values = np.full((people * each, models), np.nan)
    for row in values:
        row[random.permutation(models)[:columns]] = random.integers(1, 6, columns)
    places = np.arange(people * each)
    return Ratings(places % people, places // people, values)


@pytest.mark.parametrize("seed", range(3))
def test_means_are_those_of_the_plain_least_squares(seed: int) -> None:
    pile = holed(seed)
    assert centred_means(pile).values == pytest.approx(plainly(pile), abs=1e-10)


def test_where_every_ballot_shows_every_model_it_is_the_raw_mean() -> None:
    pile = many(np.random.default_rng(0), people=5, each=12)
    assert centred_means(pile).values == pytest.approx(pile.values.mean(axis=0), abs=1e-12)


def test_a_resample_counts_a_ballot_person_times_query() -> None:
    pile = holed(4)
    people, queries = two_way_counts(pile)
    assert people.shape == (1 + RESAMPLES, 6) and (people.sum(axis=1) == 6).all() and (people[0] == 1).all()
    weights = people[1:, pile.people_places] * queries[1:, pile.query_places]
    repeated = np.repeat(np.arange(60), weights[7].astype(int))
    drawn = Ratings(pile.people[repeated], pile.queries[repeated], pile.values[repeated])
    assert centred_means(pile).resampled[7] == pytest.approx(plainly(drawn), abs=1e-9)


def test_the_same_ratings_give_the_same_resamples_in_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pile = holed(5)
    whole = centred_means(pile)
    assert np.array_equal(whole.resampled, centred_means(pile).resampled)
    monkeypatch.setattr(module, "_BALLOTS_AT_ONCE", 7)
    assert centred_means(pile).resampled == pytest.approx(whole.resampled, abs=1e-9)


def test_kinder_ratings_favour_no_model() -> None:
    """Model 2 is shown only by a person who gives two more; within ballots it is the worst."""
    strict = [(1, query, [2, 3, NO_MODEL]) for query in range(10)]
    kind = [(2, query, [4, 5, 3]) for query in range(10)]
    means = centred_means(ratings(*strict, *kind)).values
    assert means == pytest.approx([3, 4, 2]) and np.nanmean([row[2][2] for row in kind]) > means[0] - 1


def test_a_person_whose_opinion_is_always_the_same_widens_it_as_one_person() -> None:
    """Ten people of one opinion each: the interval is wide as between ten, not as between a hundred ballots."""
    opinionated = ratings(*((who, query, [1 + 4 * (who % 2), 3]) for who in range(10) for query in range(10)))
    spread = ratings(*((who, query, [1 + 4 * ((who + query) % 2), 3]) for who in range(10) for query in range(10)))
    per_query = ratings(*((who, query, [1 + 4 * (query % 2), 3]) for who in range(10) for query in range(10)))
    widths = [np.ptp(interval(centred_means(pile).resampled[:, 0]) or 0) for pile in (opinionated, spread, per_query)]
    assert widths[0] > 2 * widths[1] and widths[2] > 2 * widths[1]


def test_models_that_no_chain_of_ballots_compares_have_no_common_scale() -> None:
    chain = [(who, query, [3, 4, NO_MODEL, NO_MODEL]) for who in range(5) for query in range(10)]
    apart = [(who, 20 + query, [NO_MODEL, NO_MODEL, 5, 1]) for who in range(3) for query in range(10)]
    estimates = centred_means(ratings(*chain, *apart))
    assert estimates.values[:2] == pytest.approx([3, 4]) and np.isnan(estimates.values[2:]).all()
    linked = centred_means(ratings(*chain, *apart, (9, 50, [NO_MODEL, 4, 4, NO_MODEL])))
    assert np.diff(linked.values) == pytest.approx([1, 0, -4])
    assert np.isnan(linked.resampled[:, 2]).any()  # a resample without that one ballot


def test_of_no_rated_model_there_is_no_mean() -> None:
    means = centred_means(ratings((1, 1, [3, NO_MODEL]), (2, 2, [5, NO_MODEL]))).values
    assert means[0] == 4 and np.isnan(means[1])


# --- ranks


def around(means: list[float], spread: float, seed: int = 0) -> Estimates:
    values = np.array(means)
    return Estimates(values, values + np.random.default_rng(seed).normal(0, spread, (RESAMPLES, len(means))))


def test_ranks_are_ranges_as_wide_as_the_intervals_leave_them() -> None:
    assert rank_ranges(around([4, 3, 2], 0.01), np.ones(3)) == [(1, 1), (2, 2), (3, 3)]
    assert rank_ranges(around([4, 3.9, 2], 0.2), np.ones(3)) == [(1, 2), (1, 2), (3, 3)]
    assert rank_ranges(around([3, 3.1, 3.2], 0.5), np.ones(3)) == [(1, 3)] * 3


def test_intervals_of_many_pairs_hold_together() -> None:
    """The largest of 45 deviations is larger than one: a difference that one pair would show is not in order here."""
    two, ten = around([3.3, 3], 0.1), around([3.3, *[3] * 9], 0.1)
    assert rank_ranges(two, np.ones(2))[0] == (1, 1) and rank_ranges(ten, np.ones(10))[0] != (1, 1)


def test_a_model_without_an_interval_may_be_anywhere_and_widens_the_others() -> None:
    factors = np.array([1, np.nan, 1])
    assert rank_ranges(around([4, 3, 2], 0.01), factors) == [(1, 2), None, (2, 3)]
    unknown = Estimates(np.array([4, np.nan, 2]), around([4, 3, 2], 0.01).resampled)
    assert rank_ranges(unknown, factors) == [(1, 1), None, (2, 2)]


def test_few_people_widen_what_is_in_order() -> None:
    estimates = around([3.3, 3], 0.1)
    assert rank_ranges(estimates, np.ones(2)) == [(1, 1), (2, 2)]
    assert rank_ranges(estimates, np.full(2, 1.5)) == [(1, 2), (1, 2)]


@pytest.mark.parametrize(
    ("scores", "ranks"), [([3, 3], [(1, 2), (1, 2)]), ([5, 1], [(1, 1), (2, 2)])], ids=["equal", "never equal"]
)
def test_pairs_without_any_spread_are_in_order_if_they_differ(scores: list[Any], ranks: Any) -> None:
    pile = ratings(*((who, query, scores) for who in range(10) for query in range(10)))
    assert rank_ranges(centred_means(pile), np.ones(2)) == ranks
