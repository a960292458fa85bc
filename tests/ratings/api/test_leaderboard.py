import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from ratings.services import ballots
from ratings.services.leaderboard_files import CONTENT_TYPES
from retrieval.models import Dataset
from retrieval.registry.services.visibility import set_published
from tests.conftest import api_of, person
from tests.ratings.seeds import three_seeds
from tests.ratings.services.test_ballots import rated
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/leaderboard/"


def rows(api: APIClient, **query: str) -> list[dict[str, Any]]:
    return [row for section in api.get(ROOT, query).json()["datasets"] for row in section["rows"]]


def test_anybody_reads_the_leaderboard_and_ratings_move_it(member_api: APIClient, world: World) -> None:
    assert {row["model"] for row in rows(APIClient())} == {model.name for model in world.models}
    assert {row["human_mean"] for row in rows(APIClient())} == {None}
    ballot = member_api.post("/api/v1/ballots/").json()
    values = {str(column["ranking"]): 4 for column in ballot["columns"]}
    member_api.post(f"/api/v1/ballots/{ballot['id']}/rate/", {"ratings": values})
    for row in rows(APIClient()):
        assert (row["human_mean"], row["human_raw_mean"], row["ratings"], row["dataset"]) == (4, 4, 1, "wings")
        assert (row["human_low"], row["human_rank_low"], row["human_no_interval"]) == (None, None, "few_people")
        assert (row["human_people"], row["human_queries"]) == (1, 1) and row["human_no_interval_text"]
        assert 0 <= row["recall_at_1_low"] <= row["recall_at_1"] <= row["recall_at_1_high"] <= 1
    member_api.post(f"/api/v1/ballots/{ballot['id']}/withdraw/")
    assert {row["human_mean"] for row in rows(APIClient())} == {None}


def test_the_page_learns_of_a_rating_that_came_over_the_api(member_api: APIClient, world: World) -> None:
    polled = "/leaderboard/leaderboard.json"
    before = b"".join(APIClient().get(polled).streaming_content)  # type: ignore[attr-defined]
    ballot = member_api.post("/api/v1/ballots/").json()
    member_api.post(f"/api/v1/ballots/{ballot['id']}/rate/", {"all_bad": True})
    assert b"".join(APIClient().get(polled).streaming_content) != before  # type: ignore[attr-defined]


def test_it_is_narrowed_by_data_set_and_protocol(member_api: APIClient, world: World) -> None:
    everything = rows(member_api)
    protocol = everything[0]["protocol"]
    assert rows(member_api, dataset="wings") == rows(member_api, protocol=protocol) == everything


@pytest.mark.parametrize("name", ["dataset", "protocol"])
@pytest.mark.parametrize("value", ["moths", "\0", "9" * 5000, "wings'--"])
@pytest.mark.parametrize("suffix", ["", "csv/", "png/"])
def test_a_filter_that_nothing_meets_is_a_problem(world: World, name: str, value: str, suffix: str) -> None:
    answer = APIClient().get(f"{ROOT}{suffix}", {name: value})
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == name


@pytest.mark.parametrize("query", ["colour=red", "dataset=", "fields=id"])
def test_a_parameter_that_narrows_nothing_is_a_problem(world: World, query: str) -> None:
    answer = APIClient().get(f"{ROOT}?{query}")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.parametrize("suffix", CONTENT_TYPES)
def test_it_is_kept_as_a_file_in_the_form_that_its_name_says(world: World, suffix: str) -> None:
    kind = CONTENT_TYPES[suffix]
    answer = APIClient().get(f"{ROOT}{suffix}/", {"dataset": "wings"}, headers={"Accept": kind})
    data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer.status_code == 200 and answer["Content-Type"] == kind and data
    assert answer["Content-Disposition"] == f'attachment; filename="leaderboard.{suffix}"'
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("suffix", ["exe", "csv.", "json%00"])
def test_there_is_no_other_form(world: World, suffix: str) -> None:
    assert APIClient().get(f"{ROOT}{suffix}/").status_code == 404


def test_what_one_may_not_see_is_in_none_of_them(curator: User, member_api: APIClient, world: World) -> None:
    set_published(world.models[0], False)
    assert {row["model"] for row in rows(member_api)} == {world.models[1].name}
    answer = member_api.get(f"{ROOT}csv/")
    table = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))  # type: ignore[attr-defined]
    assert [row["model"] for row in table] == [world.models[1].name]
    assert len(rows(api_of(curator))) == 2


def test_the_leaderboard_is_what_its_description_says(world: World, member: User, tmp_path: Path) -> None:
    call_command("spectacular", "--format", "openapi-json", "--file", str(tmp_path / "api.json"))
    description = json.loads((tmp_path / "api.json").read_text())
    for _ in range(6):
        rated(member)
    schema = {"$ref": "#/components/schemas/Leaderboard", "components": description["components"]}
    Draft202012Validator(schema).validate(APIClient().get(ROOT).json())
    assert ballots.progress_of(member)["done"] == 6


def test_seeds_and_ranks_are_in_json_and_csv(world: World) -> None:
    three_seeds(world)
    APIClient().get(ROOT)
    done(Job.objects.get(kind="leaderboard"))
    best, second = rows(APIClient(), protocol="default")
    assert (best["rank"], best["rank_low"], best["rank_high"], best["level_with_best"]) == (1, 1, 1, True)
    assert (second["rank_low"], second["level_with_best"], second["not_tested"]) == (2, False, "")
    assert best["seed"] is None and [one["seed"] for one in best["seeds"]] == [0, 1, 2]
    mean = sum(one["metrics"]["map_at_r"] for one in best["seeds"]) / 3
    assert best["map_at_r"] == pytest.approx(mean) and best["metrics"]["map_at_r"]["sd"] > 0
    data = b"".join(APIClient().get(f"{ROOT}csv/").streaming_content).decode()  # type: ignore[attr-defined]
    line = next(csv.DictReader(io.StringIO(data)))
    assert (line["rank_low"], line["rank_high"], line["seeds"], line["seed"]) == ("1", "1", "3", "")
    assert float(line["map_at_r"]) == pytest.approx(mean) and float(line["map_at_r_sd"]) > 0


def test_intervals_and_ranks_of_people_are_in_json_and_csv_or_the_code_of_why_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)  # everybody gets a new picture

    def line(at: int) -> dict[str, str]:
        data = b"".join(APIClient().get(f"{ROOT}csv/").streaming_content).decode()  # type: ignore[attr-defined]
        return list(csv.DictReader(io.StringIO(data)))[at]

    assert {row["human_no_interval"] for row in rows(APIClient())} == {"no_ratings"}
    best, second = (row["model"] for row in rows(APIClient()))
    raters = [person(f"rater{at}", "member") for at in range(5)]
    for turn in range(10):
        ballot = ballots.next_ballot(raters[turn % 5])
        given = {one.pk: 5 if one.model.name == best else 1 + turn % 2 for one in ballots.rankings_in_order(ballot)}
        ballots.rate(ballot, given)
        if turn == 8:
            assert (line(0)["human_no_interval"], line(0)["human_low"]) == ("few_queries", "")
    first, last = rows(APIClient())
    assert (first["human_mean"], last["human_mean"]) == (pytest.approx(5), pytest.approx(1.5))
    assert last["human_low"] < 1.5 < last["human_high"] and first["human_no_interval"] == ""
    ranks = [(row["human_rank_low"], row["human_rank_high"]) for row in (first, last)]
    assert ranks == [(1, 1), (2, 2)] and last["model"] == second
    assert (
        first["human_win_low"] <= first["human_win_rate"] <= first["human_win_high"] and first["human_win_rate"] > 0.9
    )
    assert float(line(0)["human_win_rate"]) == pytest.approx(first["human_win_rate"])
    assert (line(1)["human_rank_low"], line(1)["human_people"], line(1)["human_queries"]) == ("2", "5", "10")
    assert float(line(1)["human_low"]) == pytest.approx(last["human_low"])
    section = APIClient().get(ROOT).json()["datasets"][0]
    assert section["column_bias"]["columns"][0]["low"] is not None and section["column_bias"]["no_interval"] == ""
    agreement = section["agreement"]
    assert agreement["low"] <= agreement["difference"] <= agreement["high"] and agreement["no_interval"] == ""


# --- exports of a data set's ratings


@pytest.mark.parametrize(
    ("part", "kind", "name"),
    [
        ("ratings.csv", "text/csv", "wings-blind-ratings.csv"),
        ("marks.csv", "text/csv", "wings-marks.csv"),
        ("ratings.json", "application/json", "wings-ratings.json"),
    ],
)
def test_members_keep_what_people_said(
    member_api: APIClient, other_member: User, world: World, part: str, kind: str, name: str
) -> None:
    rated(other_member)
    where = f"/api/v1/datasets/{world.dataset.pk}/ratings/{part}/"
    answer = member_api.get(where, headers={"Accept": kind})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert answer["Content-Type"] == f"{kind}; charset=utf-8" and "person" in text
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert other_member.display_name not in text and other_member.email not in text
    assert APIClient().get(where).status_code == 401


def test_of_what_is_not_there_nobody_said_anything(member_api: APIClient, world: World) -> None:
    pk = world.dataset.pk
    for where in (f"{pk}/ratings/people.csv/", f"{pk}/ratings/votes/", "999999/ratings/ratings.csv/", "9" * 5000):
        assert member_api.get(f"/api/v1/datasets/{where}").status_code == 404
    Dataset.objects.update(revision=0)
    assert member_api.get(f"/api/v1/datasets/{pk}/ratings/ratings.csv/").status_code == 404
