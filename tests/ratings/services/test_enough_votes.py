"""Whether ratings decide, and how many more they take, in simulations whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.ratings import Design, simulate
from ratings.services.centred_means import centred_means
from ratings.services.enough_votes import EQUIVALENT, LEVEL, OPEN, SEPARATED, Decision, EnoughVotes
from ratings.services.leaderboard_decisions import decision_text, needs_queries
from ratings.services.people_statistics import computed, enough_of, figures_of
from ratings.services.rating_progress import sentence_of
from ratings.services.rating_statistics import FEW_PEOPLE, FEW_QUERIES, NO_RATINGS, Ratings
from tests.ratings.services.test_people_statistics import crossed


def of(ratings: Ratings) -> EnoughVotes:
    estimates = centred_means(ratings)
    models = range(ratings.values.shape[1])
    return enough_of(ratings, estimates, figures_of(ratings, estimates, estimates), models)


def top(found: EnoughVotes) -> Decision:
    assert found.top is not None
    return found.top


def test_a_large_difference_is_separated_and_names_the_best() -> None:
    found = of(simulate(Design(20, 20, models=3, gap=1.0), np.random.default_rng(0)))
    assert found.best == 0 and [one.model for one in found.decisions] == [1, 2] and found.ballots == 400
    assert {one.state for one in found.decisions} == {SEPARATED} and top(found).ballots is None


def test_equal_answers_are_equivalent_at_once() -> None:
    found = of(crossed(8, 20, lambda who, query: [1 + (who + query) % 5] * 2))
    assert (top(found).state, top(found).difference, top(found).half_width) == (LEVEL, 0, 0)
    assert of(crossed(6, 12, [3, 3])).top == top(of(crossed(6, 12, [3, 3])))


def test_the_number_of_ballots_is_the_formula() -> None:
    found = of(simulate(Design(10, 8, models=2, gap=0.1), np.random.default_rng(1)))
    one = top(found)
    assert one.state == OPEN and one.ballots is not None and one.half_width > EQUIVALENT
    assert one.ballots == pytest.approx(found.ballots * ((one.half_width / EQUIVALENT) ** 2 - 1), abs=1)


def test_so_many_more_ballots_bring_the_interval_to_the_width() -> None:
    """With people and queries in proportion the half-width falls as the root of the ballots: measured on both sizes."""
    random = np.random.default_rng(2)
    small, large = Design(10, 10, models=2), Design(40, 40, models=2, queries=160)
    few = [top(of(simulate(replace(small, queries=40), random))) for _ in range(8)]
    many = [top(of(simulate(large, random))).half_width for _ in range(2)]
    needed = np.mean([100 + one.ballots for one in few if one.ballots is not None])
    reached = 1600 * (np.mean(many) / EQUIVALENT) ** 2
    assert 0.5 < needed / reached < 2


def test_few_queries_whose_results_differ_are_told_from_few_ballots() -> None:
    random = np.random.default_rng(3)
    gaps = random.normal(0, 1.5, 12)
    ratings = crossed(40, 12, lambda who, query: list(np.clip([3 + gaps[query], 3], 1, 5)))
    one = top(of(ratings))
    assert one.state == OPEN and one.queries is not None and one.queries > 12
    assert needs_queries(one, 12) and "queries" in decision_text(one, 12) and not needs_queries(one, 10_000)
    # The mean product of deviations is the variance of the gaps, give or take: w falls with queries alone.
    assert one.queries == pytest.approx(12 * (one.half_width / EQUIVALENT) ** 2, rel=0.5)


def test_noise_alone_needs_no_more_queries() -> None:
    random = np.random.default_rng(4)
    found = top(of(crossed(12, 40, lambda who, query: list(random.integers(1, 6, 2)))))
    if_queries_alone_differed = 40 * (found.half_width / EQUIVALENT) ** 2
    assert found.queries is not None and found.queries < if_queries_alone_differed / 4


@pytest.mark.parametrize(("people", "queries", "why"), [(1, 20, FEW_PEOPLE), (4, 12, FEW_PEOPLE), (6, 9, FEW_QUERIES)])
def test_nothing_is_decided_where_few_rated(people: int, queries: int, why: str) -> None:
    found = of(crossed(people, queries, [5, 1]))
    assert (found.top, found.no_interval, found.people, found.queries) == (None, why, people, queries)
    assert found.no_interval_text in sentence_of(found, 150)


def test_no_ratings_decide_nothing() -> None:
    empty = Ratings(np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros((0, 2)))
    found = computed(empty, {0: 0.5, 1: 0.5}).enough
    assert found.no_interval == NO_RATINGS and found.top is None


def test_fifty_rows_have_forty_nine_decisions() -> None:
    found = of(simulate(Design(30, 20, models=50, columns=4, gap=0.02, queries=100), np.random.default_rng(5)))
    assert len(found.decisions) == 49
    assert [one.difference for one in found.decisions] == sorted(one.difference for one in found.decisions)


def test_raters_read_no_name_and_a_round_number() -> None:
    found = EnoughVotes(3, (Decision(7, 0.1, 0.3, OPEN, 113, 90),), 90, 9, 40, "")
    assert "About 120 more ballots" in sentence_of(found, 150) and "more pictures" in sentence_of(found, 80)
