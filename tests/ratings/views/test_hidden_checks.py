"""What pages and the API say of hidden checks and of marks, and what they keep to themselves."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from ratings.models import Ballot
from ratings.services import ballots, hidden_checks
from retrieval.search.services.marks import mark
from tests.ratings.services.test_hidden_checks import rated, repeated
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_checks, "REPEAT_EVERY", 4)
    monkeypatch.setattr(hidden_checks, "REPEAT_AFTER", 2)
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 1000)


def text(client: Client, name: str) -> str:
    return " ".join(client.get(reverse(name)).content.decode().split())


def test_nothing_tells_a_repeat_from_another_ballot(
    member_client: Client, member_api: APIClient, world: World, member: User
) -> None:
    first, repeat = repeated(member)
    shown = member_api.get(f"/api/v1/ballots/{first.pk}/").data.keys()
    answer = member_api.get(f"/api/v1/ballots/{repeat.pk}/").data
    assert answer.keys() == shown and "repeat" not in str(answer) and str(first.pk) not in str(answer)
    page = text(member_client, "rate")
    assert "a ballot sometimes repeats an earlier one" in page and page.count(str(first.pk)) == 0


def test_a_ballot_with_a_duplicated_column_is_rated_on_the_page(
    member_client: Client, member_api: APIClient, world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 1)
    ballot = ballots.next_ballot(member)
    page = text(member_client, "rate")
    assert all(page.count(f'name="rating-{key}"') == 5 for key in ballot.column_keys)
    columns = member_api.get(f"/api/v1/ballots/{ballot.pk}/").data["columns"]
    assert [column["ranking"] for column in columns] == ballot.column_keys
    sent = {"ballot": str(ballot.pk)} | {
        f"rating-{key}": str(2 + place) for place, key in enumerate(ballot.column_keys)
    }
    assert member_client.post(reverse("rate"), sent).status_code == 302
    assert "Check your ratings" in text(member_client, "rate")
    member_client.post(reverse("show-names", args=[ballot.pk]))
    ballot.refresh_from_db()
    assert ballot.duplicate is not None and ballot.duplicate_rating == 2 + ballot.duplicate["place"]
    page = member_client.get(reverse("rated", args=[ballot.pk])).content.decode()
    assert page.count("your rating:") == 3 and page.count('class="marks"') == 2 * ballots.RESULTS
    named = member_api.get(f"/api/v1/ballots/{ballot.pk}/").data["columns"]
    assert {column["ranking"] for column in named} == set(ballot.order) and len(named) == 3


def test_people_see_their_own_consistency_and_everybody_the_pooled_one(
    member_client: Client, client: Client, member_api: APIClient, world: World, member: User
) -> None:
    assert "No ballot has been repeated yet" in text(client, "leaderboard")
    assert member_api.get("/api/v1/ballots/consistency/").data == {"repeated": None, "attention": None}
    first, repeat = repeated(member)
    given = dict(first.scores.values_list("ranking", "score"))
    ballots.rate(repeat, given)
    assert "1 of your ballots came a second time: 100 % of your ratings were the same" in text(
        member_client, "my-ratings"
    )
    page = text(client, "leaderboard")
    assert "On 1 repeated ballot of 1 person, <b>100 %</b> of 2 ratings are equal" in page
    own = member_api.get("/api/v1/ballots/consistency/").data
    pooled = client.get(f"/api/v1/datasets/{world.dataset.pk}/consistency/").json()
    assert own == pooled and own["repeated"]["equal"] == 1 and own["attention"] is None


def test_the_leaderboard_measures_against_marks_or_says_why_not(client: Client, world: World, member: User) -> None:
    where = f"/api/v1/datasets/{world.dataset.pk}/judged-metrics/"
    assert "nobody has marked a result" in text(client, "leaderboard")
    assert client.get(where).json()["no_rows"] == "no_marks"
    ranking = rated(member).search.rankings.all()[0]
    mark(member, ranking, ranking.image_ids[0], 2)
    page = text(client, "leaderboard")
    assert "1 grade on 1 query, from 1 mark of 1 person" in page and "an interval needs 10 queries; 1" in page
    table = client.get(where).json()
    assert (table["dataset"], table["queries"], table["no_rows"], len(table["rows"])) == ("wings", 1, "", 2)
    assert max(row["ndcg"] for row in table["rows"]) == 1 and Ballot.objects.count() == 1
