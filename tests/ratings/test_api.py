import threading
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from ratings.models import Ballot, BlindScore, Relevance
from ratings.services import ballots
from retrieval.experiments.services import set_published
from retrieval.search.services import engine
from tests.conftest import api_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/ballots/"


def test_a_ballot_is_blind_until_the_vote(member_api: APIClient, world: World, secrets: list[str]) -> None:
    answer = member_api.post(ROOT)
    ballot = answer.json()
    assert answer.status_code == 201 and not [secret for secret in secrets if secret in answer.content.decode()]
    assert [set(column) for column in ballot["columns"]] == [{"ranking", "images"}] * 2
    scores = {str(column["ranking"]): place + 3 for place, column in enumerate(ballot["columns"])}
    voted = member_api.post(f"{ROOT}{ballot['id']}/vote/", {"scores": scores}).json()
    assert {column["model"] for column in voted["columns"]} == {model.name for model in world.models}
    assert voted["voted_at"] and BlindScore.objects.count() == 2
    assert member_api.get(f"{ROOT}{ballot['id']}/").json() == voted


def test_the_open_ballot_is_given_again(member_api: APIClient, world: World) -> None:
    assert member_api.post(ROOT).json() == member_api.post(ROOT).json()
    assert len(member_api.get(ROOT).json()["results"]) == 1


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        (None, "scores"),
        ({}, "give each of the 2 columns one score"),
        ({"x": 3}, "the keys are ranking ids"),
        ({"9" * 5000: 3}, "the keys are ranking ids"),
        ({"999999": 3}, "give each of the 2 columns one score"),
        ({"999999": 6}, "less than or equal to 5"),
        ({"999999": "good"}, "A valid integer is required"),
        ([3, 3], "Expected a dictionary"),
    ],
)
def test_a_wrong_vote_is_a_problem(
    member_api: APIClient, member: User, world: World, scores: Any, sentence: str
) -> None:
    ballot = ballots.next_ballot(member)
    body = {} if scores is None else {"scores": scores}
    answer = member_api.post(f"{ROOT}{ballot.pk}/vote/", body)
    assert answer.status_code == 400 and sentence in answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json" and not BlindScore.objects.exists()


def test_a_stranger_finds_no_ballot(member: User, other_member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    stranger = api_of(other_member)
    assert stranger.get(f"{ROOT}{ballot.pk}/").status_code == 404
    body = {"scores": {str(pk): 3 for pk in ballot.order}}
    assert stranger.post(f"{ROOT}{ballot.pk}/vote/", body).status_code == 404
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


def test_a_busy_site_answers_503(member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_waiting", threading.BoundedSemaphore(1))
    member_api.raise_request_exception = False
    with engine._place_in_queue():
        answer = member_api.post(ROOT)
    assert answer.status_code == 503 and answer["Retry-After"] == "2"


# --- relevance


def test_an_answer_is_marked_and_marked_anew(member_api: APIClient, member: User, world: World) -> None:
    ranking = world.ask(member).rankings.all()[0]
    for value in (1, 0):
        body = {"ranking": ranking.pk, "image": ranking.image_ids[0], "value": value}
        answer = member_api.post("/api/v1/relevance/", body)
        assert answer.status_code == 200 and answer.json() == body
    assert Relevance.objects.get().value == 0


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"value": 3}, 400, "value"),
        ({"value": "x"}, 400, "value"),
        ({"image": 999999}, 400, "picture 999999 is not among these answers"),
        ({"image": "x"}, 400, "A valid integer is required"),
        ({"ranking": 999999}, 404, ""),
        ({"ranking": 10**30}, 404, ""),
        ({"ranking": None}, 400, "ranking"),
    ],
)
def test_a_wrong_mark_is_a_problem(
    member_api: APIClient, member: User, world: World, change: dict[str, Any], status: int, sentence: str
) -> None:
    ranking = world.ask(member).rankings.all()[0]
    body = {"ranking": ranking.pk, "image": ranking.image_ids[0], "value": 1}
    answer = member_api.post("/api/v1/relevance/", body | change)
    assert answer.status_code == status and sentence in answer.json()["detail"] and not Relevance.objects.exists()


def test_anothers_answers_are_not_marked(member_api: APIClient, other_member: User, world: World) -> None:
    ranking = world.ask(other_member).rankings.all()[0]
    body = {"ranking": ranking.pk, "image": ranking.image_ids[0], "value": 1}
    assert member_api.post("/api/v1/relevance/", body).status_code == 404
    assert not Relevance.objects.exists()


# --- leaderboard


def test_anybody_reads_the_leaderboard_and_votes_move_it(member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    ballots.vote(ballot, dict.fromkeys(ballot.order, 4))
    rows = APIClient().get("/api/v1/leaderboard/").json()
    assert {row["name"] for row in rows} == {model.name for model in world.models}
    for row in rows:
        assert (row["human_mean"], row["human_sd"], row["votes"], row["dataset"]) == (4, 0, 1, "wings")
        assert 0 <= row["map_at_r"] <= 1 and len(row["interval_1"]) == 2
