import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from ratings.services import ballots
from retrieval.models import Mark, Ranking
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db
PRESSED = r'name="value" value="\d" aria-pressed="true"'


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


def mark(client: Client, ranking: Ranking, image: object, value: object, **headers: str) -> Any:
    return client.post(reverse("mark", args=[ranking.pk]), {"image": image, "value": value}, headers=headers)


def test_a_mark_gives_the_buttons_again_and_is_remembered(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    picture = ranking.image_ids[1]
    fragment = text_of(mark(member_client, ranking, picture, 2, hx_request="true"))
    pressed = f'id="mark-{ranking.pk}-{picture}-2" name="value" value="2"'
    assert "<html" not in fragment and pressed in fragment and fragment.count('aria-pressed="true"') == 1
    page = text_of(member_client.get(reverse("search-detail", args=[search.pk])))
    assert len(re.findall(PRESSED, page)) == 1
    assert Mark.objects.get().value == 2


def test_without_script_a_mark_leads_back_to_the_search(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    answer = mark(member_client, ranking, ranking.image_ids[0], 0)
    assert answer["Location"] == reverse("search-detail", args=[search.pk])


@pytest.mark.parametrize(
    ("image", "value", "sentence"),
    [
        (None, 3, "a mark is 0, 1 or 2, not 3"),
        (None, "x", "must be whole numbers"),
        (None, "", "must be whole numbers"),
        ("x", 1, "must be whole numbers"),
        ("9" * 5000, 1, "must be whole numbers"),
        (999999, 1, "picture 999999 is not among these results"),
    ],
)
def test_a_wrong_mark_is_explained(
    member_client: Client, member: User, world: World, image: object, value: object, sentence: str
) -> None:
    ranking = world.ask(member).rankings.all()[0]
    answer = mark(member_client, ranking, ranking.image_ids[0] if image is None else image, value)
    assert answer.status_code == 400 and sentence in answer.content.decode() and not Mark.objects.exists()


def test_anothers_answers_are_not_marked(
    client: Client, member_client: Client, other_member: User, world: World
) -> None:
    ranking = world.ask(other_member).rankings.all()[0]
    assert mark(member_client, ranking, ranking.image_ids[0], 1).status_code == 404
    assert mark(client, ranking, ranking.image_ids[0], 1).status_code == 302
    assert not Mark.objects.exists()


def test_answers_of_a_query_are_marked_once_one_has_voted_on_it(
    member_client: Client, member: User, world: World
) -> None:
    ballot = ballots.next_ballot(member)
    ranking = ballots.rankings_in_order(ballot)[0]
    assert mark(member_client, ranking, ranking.image_ids[0], 2).status_code == 404, "it could tell the class"
    ballots.rate(ballot, dict.fromkeys(ballot.order, 3))
    for value in (2, 1):
        answer = mark(member_client, ranking, ranking.image_ids[0], value)
        assert answer["Location"] == reverse("rated", args=[ballot.pk])
    page = text_of(member_client.get(reverse("rated", args=[ballot.pk])))
    assert len(re.findall(PRESSED, page)) == 1 and Mark.objects.get().value == 1
