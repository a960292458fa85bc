from typing import Any

import pytest

from accounts.models import User
from ratings.services import ballots
from ratings.services.column_selection import contests_between
from ratings.services.pair_selection import closest_contest, standings
from retrieval.models import Ranking
from tests.ratings.services.test_column_selection import standing
from tests.retrieval.world import World

pytestmark = pytest.mark.services


def answered(model: int, *images: int) -> Ranking:
    return Ranking(model_id=model, image_ids=list(images))


def test_the_closest_contest_of_a_query_leaves_out_models_that_answer_alike() -> None:
    stand = {1: standing(3, 3, 3), 2: standing(3, 3, 4), 3: standing(5, 5, 5)}
    contests = contests_between([1, 2, 3], stand)
    level = [answered(1, 7, 8), answered(2, 7, 8), answered(3, 8, 7)]
    apart = [answered(1, 7, 8), answered(2, 8, 7), answered(3, 8, 7)]
    assert closest_contest(apart, contests) == contests[frozenset((1, 2))]
    assert closest_contest(level, contests) == contests[frozenset((2, 3))] > contests[frozenset((1, 2))]
    assert closest_contest(level[:2], contests) == float("inf")


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
