from math import inf, sqrt
from statistics import mean
from typing import Any

import pytest

from accounts.models import User
from ratings.services import ballots
from ratings.services.pair_selection import (
    Standing,
    closeness,
    closest_contest,
    columns_of,
    contests_between,
    standings,
)
from retrieval.models import Ranking
from tests.retrieval.world import World

pytestmark = pytest.mark.services


def standing(*scores: int) -> Standing:
    return Standing(len(scores), sum(scores), sum(score * score for score in scores))


def answered(model: int, *images: int) -> Ranking:
    return Ranking(model_id=model, image_ids=list(images))


@pytest.mark.parametrize("scores", [(3,), (5, 5, 5), (1, 2, 5, 4), (2,) * 50 + (3,) * 50])
def test_the_error_is_that_of_the_mean_with_one_imaginary_score(scores: tuple[int, ...]) -> None:
    spread = sum((score - mean(scores)) ** 2 for score in scores)
    assert standing(*scores).error == pytest.approx((spread + 4) / len(scores) ** 2, abs=1e-12)


def test_closeness_counts_standard_errors_between_the_means() -> None:
    first, second = standing(4, 5, 4, 5), standing(2, 3)
    expected = (4.5 - 2.5) / sqrt((1 + 4) / 16 + (0.5 + 4) / 4)
    assert closeness(first, second) == pytest.approx(expected) == closeness(second, first)
    assert closeness(first, first) == 0 == closeness(first, None) == closeness(None, None)


def test_more_votes_of_the_same_make_a_contest_less_close() -> None:
    few, many = (closeness(standing(*(4,) * n), standing(*(3,) * n)) for n in (2, 20))
    assert few < many


def test_the_closest_contest_of_a_query_leaves_out_models_that_answer_alike() -> None:
    stand = {1: standing(3, 3, 3), 2: standing(3, 3, 4), 3: standing(5, 5, 5)}
    contests = contests_between([1, 2, 3], stand)
    level = [answered(1, 7, 8), answered(2, 7, 8), answered(3, 8, 7)]
    apart = [answered(1, 7, 8), answered(2, 8, 7), answered(3, 8, 7)]
    assert closest_contest(apart, contests) == contests[frozenset((1, 2))]
    assert closest_contest(level, contests) == contests[frozenset((2, 3))] > contests[frozenset((1, 2))]
    assert closest_contest(level[:2], contests) == inf


def test_the_columns_are_those_of_the_closest_contests() -> None:
    stand = {1: standing(1, 1, 1), 2: standing(3, 3, 3), 3: standing(5, 5, 5), 4: standing(3, 3, 4)}
    rankings = [answered(model, model) for model in stand]
    contests = contests_between(list(stand), stand)
    assert {row.model_id for row in columns_of(rankings, 2, contests)} == {2, 4}
    assert len(columns_of(rankings, 3, contests)) == 3
    assert columns_of(rankings, 4, contests) == rankings


def test_a_model_without_votes_is_shown_before_those_that_are_known() -> None:
    stand = {model: standing(*(model,) * 9) for model in (1, 2, 4, 5)}
    rankings = [answered(model, model) for model in (*stand, 6)]
    contests = contests_between([*stand, 6], stand)
    assert all(6 in {row.model_id for row in columns_of(rankings, 2, contests)} for _ in range(9))


@pytest.mark.django_db
def test_standings_are_over_every_vote_of_a_model(world: World, member: User, other_member: User) -> None:
    given: dict[int, list[int]] = {model.pk: [] for model in world.models}
    for user, scores in ((member, (5, 2)), (other_member, (4, 2)), (member, (1, 3))):
        ballot = ballots.next_ballot(user)
        values: dict[int, Any] = dict(zip(ballot.order, scores, strict=True))
        ballots.rate(ballot, values)
        for ranking in ballots.rankings_in_order(ballot):
            given[ranking.model_id].append(values[ranking.pk])
    assert standings(given) == {model: standing(*scores) for model, scores in given.items()}
    assert standings([]) == {}
