from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from ratings.models import Ballot
from retrieval.models import Mark
from retrieval.search.services.marks import mark
from tests.ratings.services.test_ballots import rated
from tests.retrieval.search.services.test_marks import marked
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def page(client: Client, name: str = "my-marks", number: int = 1) -> str:
    answer = client.get(reverse(name), {"page": number})
    assert answer.status_code == 200
    return answer.content.decode()


def remove(client: Client, row: Mark, **values: Any) -> Any:
    return client.post(reverse("my-mark-remove", args=[row.pk]), values)


def test_marks_stand_with_both_pictures_and_the_way_back(member_client: Client, member: User, world: World) -> None:
    row = marked(world, member, 2)
    text, search = page(member_client), row.ranking.search
    for address in (
        reverse("search-picture", args=[search.pk]),
        reverse("thumbnail", args=[row.image_id]),
        reverse("search-detail", args=[search.pk]),
        reverse("mark", args=[row.ranking_id]),
    ):
        assert address in text
    assert 'value="2" aria-pressed="true"' in text
    assert "1 mark on results" in text and "0 blind ballots" in text


def test_a_mark_is_removed_by_its_owner_and_nobody_else(
    member_client: Client, member: User, other_member: User, world: World
) -> None:
    own, theirs = marked(world, member), marked(world, other_member)
    assert remove(member_client, theirs).status_code == 404
    assert remove(member_client, own)["Location"] == reverse("my-marks")
    assert remove(member_client, own).status_code == 404
    assert list(Mark.objects.all()) == [theirs] and "no marks yet" in page(member_client)


@pytest.mark.parametrize(("asked", "back"), [("2", "?page=2"), ("x", ""), ("9" * 40, "")])
def test_removing_leads_back_to_the_page(
    member_client: Client, member: User, world: World, asked: str, back: str
) -> None:
    assert remove(member_client, marked(world, member), page=asked)["Location"] == reverse("my-marks") + back


def test_a_mark_on_a_query_that_one_voted_on_leads_to_the_vote(
    member_client: Client, member: User, world: World
) -> None:
    ballot = rated(member)
    ranking = ballot.search.rankings.all()[0]
    mark(member, ranking, ranking.image_ids[0], 1)
    text = page(member_client)
    assert reverse("rated", args=[ballot.pk]) in text and reverse("ballot-query", args=[ballot.pk]) in text
    Ballot.objects.update(voted_at=None)  # the ballot is open again, or withdrawn: nothing may be said of it now
    text = page(member_client)
    assert reverse("mark", args=[ranking.pk]) not in text and "Same kind" in text and "Remove" in text


def test_ratings_stand_as_they_were_given(
    member_client: Client, member: User, other_member: User, world: World
) -> None:
    own, theirs = rated(member, 4), rated(other_member)
    text = page(member_client, "my-ratings")
    assert reverse("rated", args=[own.pk]) in text and str(theirs.pk) not in text
    assert text.count("<dd>4 of 5</dd>") == 2 and "SoftTriple" in text and "1 blind ballot<" in text


def test_only_the_last_vote_can_be_withdrawn(member_client: Client, member: User, world: World) -> None:
    first, last = rated(member, 4), rated(member, 2)
    text = page(member_client, "my-ratings")
    assert reverse("withdraw", args=[last.pk]) in text and reverse("withdraw", args=[first.pk]) not in text
    member_client.post(reverse("withdraw", args=[last.pk]))
    text = page(member_client, "my-ratings")
    assert reverse("rated", args=[last.pk]) not in text and reverse("withdraw", args=[first.pk]) in text


def test_an_open_ballot_is_not_among_the_ratings(member_client: Client, member: User, world: World) -> None:
    member_client.get(reverse("rate"))
    assert Ballot.objects.exists() and "No ratings yet" in page(member_client, "my-ratings")


def test_many_marks_come_in_pages(member_client: Client, member: User, world: World) -> None:
    ranking = world.ask(member, k=26).rankings.all()[0]
    for image in ranking.image_ids:
        mark(member, ranking, image, 1)
    assert page(member_client).count("/remove") == 24 and page(member_client, number=2).count("/remove") == 2
    assert page(member_client, number=99).count("/remove") == 2


@pytest.mark.parametrize("name", ["my-marks", "my-ratings"])
def test_visitors_sign_in_first(client: Client, db: None, name: str) -> None:
    assert client.get(reverse(name)).status_code == 302


def test_a_picture_hidden_since_is_not_shown_and_its_mark_can_go(
    member_client: Client, member: User, world: World
) -> None:
    row = marked(world, member)
    row.image.hidden = True
    row.image.save()
    text = page(member_client)
    assert reverse("thumbnail", args=[row.image_id]) not in text and "a curator has hidden" in text
    assert reverse("my-mark-remove", args=[row.pk]) in text


def test_the_old_address_of_ones_ratings_leads_to_the_new_one(client: Client) -> None:
    answer = client.get("/me/ratings/votes/", {"page": 2})
    assert (answer.status_code, answer["Location"]) == (301, reverse("my-ratings") + "?page=2")
