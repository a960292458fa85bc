import pytest
from django.test import Client
from django.urls import reverse

from tests.ratings.test_views import text_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_a_curators_leaderboard_leads_to_the_models(client: Client, curator_client: Client, world: World) -> None:
    link = reverse("model", args=[world.models[0].pk])
    assert link in text_of(curator_client.get(reverse("leaderboard")))
    assert link not in text_of(client.get(reverse("leaderboard")))


def test_an_empty_leaderboard_has_a_page(client: Client) -> None:
    assert "No model has been measured yet" in text_of(client.get(reverse("leaderboard")))
    assert client.get(reverse("leaderboard-rows")).status_code == 200
