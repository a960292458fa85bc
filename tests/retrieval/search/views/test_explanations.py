import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from config.errors import Busy
from retrieval.models import Model, Search
from retrieval.search.services import explanations
from retrieval.search.services.sharing import set_shared
from tests.conftest import signed_in
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def address(search: Search, name: str = "explanation") -> str:
    ranking = search.rankings.all()[0]
    return reverse(
        name, args=[search.share_token if name == "shared-explanation" else search.pk, ranking.pk, ranking.image_ids[0]]
    )


def test_an_answer_leads_to_why_it_is_one(world: World, member: User, member_client: Client) -> None:
    search = world.ask(member)
    assert address(search) in member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    answer = member_client.get(address(search))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<b>Exact</b>" in text and "adds" in text and text.count('<svg class="explanation-picture"') == 2
    assert "no-store" in answer["Cache-Control"] and "private" in answer["Cache-Control"]


def test_nobody_else_sees_why(world: World, member: User, other_member: User, client: Client) -> None:
    search = world.ask(member)
    assert client.get(address(search)).status_code == 302
    assert signed_in(other_member).get(address(search)).status_code == 404


def test_a_link_shows_why_until_it_is_revoked(world: World, member: User, client: Client) -> None:
    search = world.ask(member)
    set_shared(search, True)
    where = address(search, "shared-explanation")
    page = client.get(reverse("shared", args=[search.share_token])).content.decode()
    assert where in page and address(search) not in page
    answer = client.get(where)
    assert answer.status_code == 200 and reverse("shared-query", args=[search.share_token]) in answer.content.decode()
    set_shared(search, False)
    assert client.get(where).status_code == 404


def test_what_is_no_answer_is_not_found(world: World, member: User, member_client: Client) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    assert member_client.get(reverse("explanation", args=[search.pk, ranking.pk, 10**9])).status_code == 404
    assert member_client.get(reverse("explanation", args=[search.pk, 10**9, ranking.image_ids[0]])).status_code == 404


def test_a_model_that_cannot_say_why_has_no_link_and_a_sentence(
    world: World, member: User, member_client: Client
) -> None:
    search = world.ask(member)
    Model.objects.update(has_network=False)
    assert "Why?" not in member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    answer = member_client.get(address(search))
    assert answer.status_code == 400 and "no network" in answer.content.decode()


def test_a_busy_engine_says_when_to_come_again(
    world: World, member: User, member_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = world.ask(member)

    def busy(*asked: object) -> None:
        raise Busy("many pictures are being searched right now; try again in a moment")

    monkeypatch.setattr(explanations, "explain_result", busy)
    answer = member_client.get(address(search))
    assert answer.status_code == 503 and answer["Retry-After"] == "2" and "Try again" in answer.content.decode()
