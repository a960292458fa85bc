"""Explanations of results, over the API."""

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.retrieval.world import World


def test_cells_of_both_pictures_sum_up_to_their_similarity(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    explanation = member_api.get(
        f"/api/v1/searches/{search.pk}/explanation/{ranking.pk}/{ranking.image_ids[0]}/"
    ).json()
    assert explanation["similarity"] == ranking.scores[0] and explanation["exact"] and explanation["reason"] == ""
    for side in (explanation["query"], explanation["result"]):
        assert sum(region["share"] for region in side["regions"]) == pytest.approx(explanation["explained"], abs=1e-4)
        assert len(side["regions"]) == 9 and side["cells"] and side["square"]["side"] > 0


def test_what_is_no_answer_is_not_found(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    stranger = world.train_images[0].pk
    image = stranger if stranger not in ranking.image_ids else 10**9
    for tail in (f"{ranking.pk}/{image}", f"{10**9}/{ranking.image_ids[0]}"):
        assert member_api.get(f"/api/v1/searches/{search.pk}/explanation/{tail}/").status_code == 404
