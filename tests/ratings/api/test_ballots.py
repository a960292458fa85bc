from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from ratings.models import Ballot, BlindScore
from ratings.services import ballots
from retrieval.models import Mark
from retrieval.registry.services.visibility import set_published
from retrieval.search.services.marks import mark
from tests.conftest import api_of
from tests.retrieval.world import World, full_queue

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/ballots/"


def test_a_ballot_is_blind_until_the_rating(member_api: APIClient, world: World, secrets: list[str]) -> None:
    answer = member_api.post(ROOT)
    ballot = answer.json()
    assert answer.status_code == 201 and not [secret for secret in secrets if secret in answer.content.decode()]
    assert [set(column) for column in ballot["columns"]] == [{"ranking", "images"}] * 2
    values = {str(column["ranking"]): place + 3 for place, column in enumerate(ballot["columns"])}
    rated = member_api.post(f"{ROOT}{ballot['id']}/rate/", {"ratings": values}).json()
    assert {column["model"] for column in rated["columns"]} == {model.name for model in world.models}
    assert rated["rated_at"] and BlindScore.objects.count() == 2
    assert member_api.get(f"{ROOT}{ballot['id']}/").json() == rated


def test_ratings_over_the_api_can_wait_without_names(member_api: APIClient, world: World, secrets: list[str]) -> None:
    opened = member_api.post(ROOT).json()
    values = {str(column["ranking"]): 4 for column in opened["columns"]}
    address = f"{ROOT}{opened['id']}/"
    early = member_api.post(f"{address}show-names/")
    assert early.status_code == 409 and "rate it first" in early.json()["detail"]
    for score in (4, 2):
        body = {"ratings": {**values, next(iter(values)): score}, "show_names": False}
        answer = member_api.post(f"{address}rate/", body)
        assert answer.status_code == 200 and answer.json()["is_draft"] and answer.json()["rated_at"] is None
        assert [set(column) for column in answer.json()["columns"]] == [{"ranking", "images", "rating"}] * 2
        for text in (
            answer.content.decode(),
            member_api.get(address).content.decode(),
            str(member_api.get(ROOT).json()),
        ):
            assert not [secret for secret in secrets if secret in text]
    assert not BlindScore.objects.exists()
    shown = member_api.post(f"{address}show-names/").json()
    assert {column["model"] for column in shown["columns"]} == {model.name for model in world.models}
    assert not shown["is_draft"] and sorted(BlindScore.objects.values_list("score", flat=True)) == [2, 4]


def test_a_picture_is_skipped_over_the_api(member_api: APIClient, world: World) -> None:
    opened = member_api.post(ROOT).json()["id"]
    answer = member_api.post(f"{ROOT}{opened}/skip/")
    assert answer.status_code == 200 and answer.json()["skipped_at"]
    assert member_api.post(ROOT).json()["id"] != opened
    assert member_api.get(f"{ROOT}progress/").json()["skipped"] == 1
    rate(member_api, last := member_api.post(ROOT).json()["id"], all_bad=True)
    refused = member_api.post(f"{ROOT}{last}/skip/")
    assert refused.status_code == 409 and refused["Content-Type"] == "application/problem+json"


def test_the_open_ballot_is_given_again(member_api: APIClient, world: World) -> None:
    assert member_api.post(ROOT).json() == member_api.post(ROOT).json()
    assert len(member_api.get(ROOT).json()["results"]) == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (None, "all_bad: true"),
        ({}, "each of the 2 columns"),
        ({"x": 3}, "the keys are ranking ids"),
        ({"01": 3}, "the keys are ranking ids"),
        ({"": 3}, "the keys are ranking ids"),
        ({"9" * 5000: 3}, "the keys are ranking ids"),
        ({"999999": 3}, "each of the 2 columns"),
        ({"999999": 6}, "less than or equal to 5"),
        ({"999999": "good"}, "this must be a whole number"),
        ([3, 3], "Expected a dictionary"),
    ],
)
def test_a_wrong_rating_is_a_problem(
    member_api: APIClient, member: User, world: World, values: Any, sentence: str
) -> None:
    ballot = ballots.next_ballot(member)
    body = {} if values is None else {"ratings": values}
    answer = member_api.post(f"{ROOT}{ballot.pk}/rate/", body)
    assert answer.status_code == 400 and sentence in answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json" and not BlindScore.objects.exists()


def test_a_stranger_finds_no_ballot(member: User, other_member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    stranger = api_of(other_member)
    assert stranger.get(f"{ROOT}{ballot.pk}/").status_code == 404
    body = {"ratings": {str(pk): 3 for pk in ballot.order}}
    assert stranger.post(f"{ROOT}{ballot.pk}/rate/", body).status_code == 404
    assert stranger.get(f"{ROOT}{'-' * 36}/").status_code == 404
    assert APIClient().post(ROOT).status_code == 401
    assert not BlindScore.objects.exists()


def test_a_read_only_token_does_not_rate(member: User, world: World) -> None:
    reader = api_of(member, read_only=True)
    assert reader.post(ROOT).status_code == 403 and not Ballot.objects.exists()
    assert reader.get(ROOT).status_code == 200


def test_nothing_to_rate_is_a_conflict(member_api: APIClient, world: World) -> None:
    set_published(world.models[0], False)
    answer = member_api.post(ROOT)
    assert answer.status_code == 409 and "two published models" in answer.json()["detail"]


def test_a_busy_site_answers_503(member_api: APIClient, world: World) -> None:
    member_api.raise_request_exception = False
    with full_queue():
        answer = member_api.post(ROOT)
    assert answer.status_code == 503 and answer["Retry-After"] == "1"


# --- relevance


def test_an_answer_is_marked_and_marked_anew(member_api: APIClient, member: User, world: World) -> None:
    ranking = world.ask(member).rankings.all()[0]
    for value in (1, 0):
        body = {"ranking": ranking.pk, "image": ranking.image_ids[0], "value": value}
        answer = member_api.post("/api/v1/marks/", body)
        mark = Mark.objects.get()
        assert answer.status_code == 200
        assert answer.json() == {"id": mark.pk, **body, "marked_at": answer.json()["marked_at"]}
    assert Mark.objects.get().value == 0


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"value": 3}, 400, "value"),
        ({"value": "x"}, 400, "value"),
        ({"image": 999999}, 400, "picture 999999 is not among these results"),
        ({"image": "x"}, 400, "this must be a whole number"),
        ({"ranking": 999999}, 404, ""),
        ({"ranking": 10**30}, 400, "less than or equal to"),
        ({"ranking": None}, 400, "ranking"),
        ({"colour": 1}, 400, "there is no such field"),
    ],
)
def test_a_wrong_mark_is_a_problem(
    member_api: APIClient, member: User, world: World, change: dict[str, Any], status: int, sentence: str
) -> None:
    ranking = world.ask(member).rankings.all()[0]
    body = {"ranking": ranking.pk, "image": ranking.image_ids[0], "value": 1}
    answer = member_api.post("/api/v1/marks/", body | change)
    assert answer.status_code == status and sentence in answer.json()["detail"] and not Mark.objects.exists()


def test_anothers_answers_are_not_marked(member_api: APIClient, other_member: User, world: World) -> None:
    ranking = world.ask(other_member).rankings.all()[0]
    body = {"ranking": ranking.pk, "image": ranking.image_ids[0], "value": 1}
    assert member_api.post("/api/v1/marks/", body).status_code == 404
    assert not Mark.objects.exists()


def test_ones_own_marks_are_listed_and_removed(
    member_api: APIClient, member: User, other_member: User, world: World
) -> None:
    ranking = world.ask(member).rankings.all()[0]
    marks = [mark(member, ranking, image, 2) for image in ranking.image_ids]
    others = world.ask(other_member).rankings.all()[0]
    foreign = mark(other_member, others, others.image_ids[0], 0)
    listed = "/api/v1/marks/"
    assert [row["id"] for row in member_api.get(listed).json()["results"]] == [mark.pk for mark in reversed(marks)]
    page = member_api.get(listed, {"limit": 2}).json()
    rest = member_api.get(page["next"]).json()
    assert [row["id"] for row in page["results"] + rest["results"]] == [mark.pk for mark in reversed(marks)]
    assert member_api.delete(f"{listed}{marks[0].pk}/").status_code == 204
    assert member_api.delete(f"{listed}{marks[0].pk}/").status_code == 404
    assert member_api.delete(f"{listed}{foreign.pk}/").status_code == 404
    assert set(Mark.objects.values_list("pk", flat=True)) == {marks[1].pk, marks[2].pk, foreign.pk}


# --- rating, withdrawing, how far one is


def rate(api: APIClient, pk: object, **body: Any) -> Any:
    return api.post(f"{ROOT}{pk}/rate/", body)


def test_all_bad_rates_every_column_one(member_api: APIClient, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    answer = rate(member_api, ballot.pk, all_bad=True)
    assert answer.status_code == 200 and answer.json()["all_bad"]
    assert [column["rating"] for column in answer.json()["columns"]] == [1, 1]


@pytest.mark.parametrize("all_bad", [False, None, "perhaps", 10**400])
def test_what_says_nothing_is_no_rating(member_api: APIClient, member: User, world: World, all_bad: Any) -> None:
    ballot = ballots.next_ballot(member)
    assert rate(member_api, ballot.pk, all_bad=all_bad).status_code == 400
    assert rate(member_api, ballot.pk, all_bad=True, ratings={str(key): 1 for key in ballot.order}).status_code == 400
    assert rate(member_api, ballot.pk, all_bad=True, colour="red").status_code == 400
    assert not BlindScore.objects.exists()


def test_a_ballot_is_cast_once(member_api: APIClient, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    four, five = ({str(key): score for key in ballot.order} for score in (4, 5))
    assert rate(member_api, ballot.pk, ratings=four).json() == rate(member_api, ballot.pk, ratings=four).json()
    answer = rate(member_api, ballot.pk, ratings=five)
    assert answer.status_code == 409 and answer.json()["type"] == "/api/problems/conflict"
    assert set(BlindScore.objects.values_list("score", flat=True)) == {4}


def test_the_last_rating_is_withdrawn_and_no_earlier_one(
    member_api: APIClient, member: User, world: World, secrets: list[str]
) -> None:
    opened = member_api.post(ROOT).json()["id"]
    early = member_api.post(f"{ROOT}{opened}/withdraw/")
    assert early.status_code == 409 and "rate it first" in early.json()["detail"]
    rate(member_api, opened, all_bad=True)
    last = member_api.post(ROOT).json()["id"]
    rate(member_api, last, all_bad=True)
    assert member_api.get(f"{ROOT}progress/").json()["done"] == 2
    refused = member_api.post(f"{ROOT}{opened}/withdraw/")
    assert refused.status_code == 409 and "only your last" in refused.json()["detail"]
    answer = member_api.post(f"{ROOT}{last}/withdraw/")
    assert answer.status_code == 200 and answer.json()["withdrawn_at"] and answer.json()["rated_at"] is None
    assert not [secret for secret in secrets if secret in answer.content.decode()]
    assert rate(member_api, last, all_bad=True).status_code == 409
    progress = member_api.get(f"{ROOT}progress/").json()
    assert progress["done"] == 1 and progress["total"] == ballots.progress_of(member)["total"]


def test_the_list_names_no_model_of_an_open_ballot(
    member_api: APIClient, member: User, world: World, secrets: list[str]
) -> None:
    rate(member_api, member_api.post(ROOT).json()["id"], all_bad=True)
    opened = member_api.post(ROOT).json()["id"]
    rows = {row["id"]: row for row in member_api.get(ROOT).json()["results"]}
    assert [set(column) for column in rows.pop(opened)["columns"]] == [{"ranking", "images"}] * 2
    [rated] = rows.values()
    assert {column["model"] for column in rated["columns"]} == {model.name for model in world.models}
    text = member_api.get(f"{ROOT}{opened}/").content.decode()
    assert not [secret for secret in secrets if secret in text]


def test_the_list_asks_the_database_as_often_for_many_as_for_one(member_api: APIClient, world: World) -> None:
    counts = []
    for _ in range(3):
        rate(member_api, member_api.post(ROOT).json()["id"], all_bad=True)
        with CaptureQueriesContext(connection) as queries:
            assert member_api.get(ROOT).status_code == 200
        counts.append(len(queries))
    assert counts == counts[:1] * 3


def test_a_picture_that_is_hidden_since_is_not_shown(member_api: APIClient, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    hidden = ballots.rankings_in_order(ballot)[0].image_ids[0]
    world.dataset.images.filter(pk=hidden).update(hidden=True)
    columns = member_api.get(f"{ROOT}{ballot.pk}/").json()["columns"]
    assert columns and not [column for column in columns if hidden in column["images"]]


def test_the_query_is_seen_with_the_same_token_and_by_nobody_else(
    member_api: APIClient, member_client: Client, other_member: User, world: World
) -> None:
    address = member_api.post(ROOT).json()["query_url"]
    answer = member_api.get(address, headers={"Accept": "image/jpeg"})
    assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg"
    assert member_client.get(address).status_code == 200
    assert api_of(other_member).get(address).status_code == 404
    assert APIClient().get(address).status_code == 401
