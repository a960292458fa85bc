"""Consistency of raters, of planted pairs and of simulated raters, and what hidden checks of ballots give."""

import numpy as np
import pytest

from accounts.models import User
from benchmarks.ratings import Design, repeats_of
from ratings.models import Ballot
from ratings.services import ballots, hidden_checks
from ratings.services.consistency import consistency_on, own_consistency
from ratings.services.rater_agreement import alpha_of_pairs, krippendorff_alpha
from ratings.services.rating_statistics import Ratings
from ratings.services.repeat_agreement import Repeated, compared
from tests.retrieval.world import World

RANDOM, LEFT, HONEST = "random", "left", "honest"


def test_shares_alpha_and_chance_of_planted_pairs() -> None:
    found = compared([[(1, 1), (5, 5)], [(1, 2), (5, 1)]], people=2)
    assert (found.people, found.ballots, found.ratings) == (2, 2, 4)
    assert (found.equal, found.within_one) == (0.5, 0.75)
    # second ratings: 1 twice, 5, 2; first ratings: 1 twice, 5 twice
    assert found.equal_chance == pytest.approx(0.5 * 0.5 + 0.5 * 0.25)
    assert found.within_one_chance == pytest.approx(0.5 * 0.75 + 0.5 * 0.25)


@pytest.mark.parametrize("seed", range(3))
def test_alpha_of_pairs_is_krippendorffs(seed: int) -> None:
    pairs = np.random.default_rng(seed).integers(1, 6, (30, 2))
    ratings = Ratings(
        people=np.repeat([0, 1], 30), queries=np.tile(np.arange(30), 2), values=pairs.T.reshape(-1, 1).astype(float)
    )
    assert alpha_of_pairs(pairs) == pytest.approx(krippendorff_alpha(ratings).value)


def simulated(kind: str, ballots: int = 400) -> Repeated:
    return compared(repeats_of(Design(people=20, each=20, columns=4), kind, ballots, np.random.default_rng(0)), 20)


def test_a_random_clicker_is_as_consistent_as_chance() -> None:
    found = simulated(RANDOM)
    assert found.alpha is not None and abs(found.alpha) < 0.08
    assert found.equal == pytest.approx(found.equal_chance, abs=0.04)
    assert found.within_one == pytest.approx(found.within_one_chance, abs=0.05)


def test_who_prefers_the_left_is_as_consistent_as_chance_for_the_order_is_shuffled() -> None:
    found = simulated(LEFT)
    assert found.alpha is not None and abs(found.alpha) < 0.08
    assert found.equal == pytest.approx(found.equal_chance, abs=0.04)


def test_who_always_gives_one_rating_has_no_alpha_and_a_chance_of_one() -> None:
    found = simulated("three")
    assert (found.alpha, found.equal, found.equal_chance) == (None, 1, 1)


def test_an_honest_rater_is_more_consistent_than_chance() -> None:
    found = simulated(HONEST)
    assert found.alpha is not None and found.alpha > 0.4
    assert found.equal > found.equal_chance + 0.1 and found.within_one > 0.8


# --- of ballots


@pytest.mark.django_db
@pytest.mark.services
def test_ballots_repeated_and_doubled_are_pooled(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden_checks, "REPEAT_EVERY", 2)
    monkeypatch.setattr(hidden_checks, "REPEAT_AFTER", 0)
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 1000)
    assert own_consistency(member).repeated is None is own_consistency(member).attention

    def rate(user: User, *scores: int) -> Ballot:
        ballot = ballots.next_ballot(user)
        ballots.rate(ballot, dict(zip(sorted(ballot.order), scores, strict=True)))
        return ballot

    for scores in ((2, 4), (2, 5)):
        rate(member, *scores)
    for scores in ((1, 1), (1, 4)):
        ballot = rate(other_member, *scores)
    mine = own_consistency(member).repeated
    assert mine is not None
    assert (mine.people, mine.ballots, mine.ratings, mine.equal, mine.within_one) == (1, 1, 2, 0.5, 1)
    pooled = consistency_on(world.dataset).repeated
    assert pooled is not None
    assert (pooled.people, pooled.ballots, pooled.ratings, pooled.equal, pooled.within_one) == (2, 2, 4, 0.5, 0.75)
    ballots.withdraw(ballot)
    pooled = consistency_on(world.dataset).repeated
    assert pooled is not None and pooled.people == 1


@pytest.mark.django_db
@pytest.mark.services
def test_lapses_are_two_points_and_none_match_is_no_check(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 1)
    for apart in (0, 1, 2):
        ballot = ballots.next_ballot(member)
        assert ballot.duplicate is not None
        ballots.rate(ballot, {key: 3 + apart * (key == ballot.duplicate["key"]) for key in ballot.column_keys})
    ballot = ballots.next_ballot(member)
    ballots.rate(ballot, ballots.all_ones(ballot), all_bad=True)
    found = own_consistency(member).attention
    assert found is not None and (found.people, found.checks, found.lapses) == (1, 3, 1)
    assert consistency_on(world.dataset).attention == found
