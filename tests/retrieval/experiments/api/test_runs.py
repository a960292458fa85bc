from typing import Any

import pytest
from rest_framework.test import APIClient

from jobs.models import Job
from retrieval.models import Dataset, Run
from tests.retrieval.world import World, done, started

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/runs/"
COMPARE = f"{ROOT}compare/"


def pair() -> list[int]:
    return list(Run.objects.order_by("pk").values_list("pk", flat=True)[:2])


def fields_of(answer: Any) -> list[str]:
    """Return the fields that a problem names."""
    assert answer.status_code == 400, answer.json()
    return [error["field"] for error in answer.json()["errors"]]


def test_runs_are_listed_newest_first_with_what_they_belong_to(curator_api: APIClient, world: World) -> None:
    rows = curator_api.get(ROOT).json()["results"]
    assert [row["id"] for row in rows] == pair()[::-1]
    run = Run.objects.get(pk=rows[-1]["id"])
    assert (rows[-1]["experiment"], rows[-1]["dataset"]) == (run.experiment_id, world.dataset.pk)
    assert rows[-1]["model"] == run.model.pk and rows[-1]["history"][0]["epoch"] == 1
    assert curator_api.get(f"{ROOT}{run.pk}/").json() == rows[-1]


def test_runs_are_listed_with_a_few_queries_however_many_there_are(
    curator_api: APIClient, world: World, django_assert_max_num_queries: Any
) -> None:
    started(world.dataset, seeds=range(10))
    with django_assert_max_num_queries(5):
        assert len(curator_api.get(ROOT).json()["results"]) == 22


def test_runs_are_found_by_what_they_are_of_and_how_far_they_are(curator_api: APIClient, world: World) -> None:
    waiting = started(world.dataset, ("soft_triple",))
    other = Dataset.objects.create(name="Other", slug="other", source="wings", revision=1)

    def found(**query: Any) -> int:
        return len(curator_api.get(ROOT, query).json()["results"])

    assert found(experiment=waiting.pk) == 1 and found(loss="soft_triple") == 2
    assert found(dataset=world.dataset.pk) == 3 and found(dataset=other.pk) == 0
    assert found(state="queued") == 1 and found(state="succeeded") == 2 and found(state=["queued", "succeeded"]) == 3
    assert found(state="succeeded", experiment=waiting.pk) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("experiment", "999"),
        ("experiment", "9" * 30),
        ("experiment", "x"),
        ("dataset", "999"),
        ("loss", "nothing"),
        ("state", "asleep"),
        ("state", "a\0b"),
        ("fields", "log"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(curator_api: APIClient, world: World, name: str, value: str) -> None:
    assert fields_of(curator_api.get(ROOT, {name: value})) == [name]


def test_the_curves_of_a_run_are_given_and_none_before_the_first_epoch(curator_api: APIClient, world: World) -> None:
    found = curator_api.get(f"{ROOT}{pair()[0]}/curves/").json()
    [curves] = found["runs"]
    history = Run.objects.get(pk=pair()[0]).history
    assert not found["active"] and curves["loss"] == [[1, history[0]["loss"]]] and curves["recall"] == []
    waiting = started(world.dataset, ("soft_triple",)).runs.get()
    assert curator_api.get(f"{ROOT}{waiting.pk}/curves/").json() == {"active": True, "runs": []}
    assert curator_api.get(f"{ROOT}999/curves/").status_code == 404


# --- side by side


def test_runs_are_shown_side_by_side_in_the_order_of_the_request(curator_api: APIClient, world: World) -> None:
    waiting = started(world.dataset, ("soft_triple",), epochs=2, name="Longer").runs.get()
    keys = [waiting.pk, *pair()]
    found = curator_api.get(COMPARE, {"run": keys}).json()
    assert [run["id"] for run in found["runs"]] == keys and found["runs"][0]["title"].startswith("Longer: SoftTriple")
    cells = {row["name"]: row["cells"] for row in found["metrics"]}["MAP@R"]
    assert cells[0] is None and cells[1]["low"] <= cells[1]["value"] <= cells[1]["high"] and len(cells) == 3
    assert found["protocol"][0] == {"name": "epochs", "values": [2, 1, 1], "differs": True}
    assert "epochs" in found["differing"] and "Epochs" in found["warnings"][0]
    assert found["tests"] is None and found["job"] is None


def test_differences_are_tested_once_and_told_by_run(curator_api: APIClient, world: World) -> None:
    first, again = (
        curator_api.post(COMPARE, {"runs": keys}, headers={"Idempotency-Key": str(keys)})
        for keys in (pair(), pair()[::-1])
    )
    assert first.status_code == 202 and first.json()["kind"] == "compare" and again.json() == first.json()
    replayed = curator_api.post(COMPARE, {"runs": pair()}, headers={"Idempotency-Key": str(pair())})
    assert replayed["Idempotent-Replayed"] == "true"
    waiting = curator_api.get(COMPARE, {"run": pair()}).json()
    assert waiting["tests"] is None and waiting["job"] == first.json()["id"]
    job = done(Job.objects.get(kind="compare"))
    found = curator_api.get(COMPARE, {"run": pair()}).json()
    assert [row["metric"] for row in found["tests"]] == ["map_at_r", "recall_at_1"] and found["job"] == job.pk
    [told] = found["tests"][0]["pairs"]
    assert [told["first"], told["second"]] == pair() and told["low"] < told["difference"] < told["high"]
    assert (told["p"], told["p_adjusted"], told["conclusion"]) == (None, None, "one seed") and "holm" not in told
    assert found["tests"][0]["queries"] == 24 and found["tests"][0]["classes"] == 4


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "run"),
        ("run=1", "run"),
        ("&".join(f"run={key}" for key in range(1, 15)), "run"),
        ("run=1&run=999", "run"),
        ("run=1&run=x", "run.1"),
        (f"run=1&run={'9' * 30}", "run.1"),
        ("run=1&run=2&runs=3", "runs"),
    ],
)
def test_what_cannot_be_compared_names_the_field(curator_api: APIClient, world: World, query: str, field: str) -> None:
    assert fields_of(curator_api.get(f"{COMPARE}?{query}")) == [field]


@pytest.mark.parametrize(
    ("runs", "field"),
    [([1], "runs"), ([1, 999], "runs"), ([1, 10**30], "runs.1"), ([1, "x"], "runs.1"), ("1", "runs"), (None, "runs")],
)
def test_what_cannot_be_tested_names_the_field(curator_api: APIClient, world: World, runs: Any, field: str) -> None:
    assert fields_of(curator_api.post(COMPARE, {"runs": runs})) == [field]
    assert not Job.objects.filter(kind="compare").exists()


def test_one_run_beside_itself_is_no_comparison(curator_api: APIClient, world: World) -> None:
    keys = [pair()[0]] * 2
    for answer in (curator_api.get(COMPARE, {"run": keys}), curator_api.post(COMPARE, {"runs": keys})):
        assert answer.status_code == 400 and "you selected 1" in answer.json()["detail"]


def test_a_run_that_is_not_measured_yet_is_a_conflict(curator_api: APIClient, world: World) -> None:
    waiting = started(world.dataset, ("soft_triple",)).runs.get()
    answer = curator_api.post(COMPARE, {"runs": [pair()[0], waiting.pk]})
    assert answer.status_code == 409 and "has no metrics yet" in answer.json()["detail"]


def test_a_run_tells_what_it_wrote(curator_api: APIClient, world: World) -> None:
    run = Run.objects.all()[0]
    Run.objects.filter(pk=run.pk).update(log="09:30:02 train begins\n09:30:41 epoch 1 of 1: loss 1.2345")
    told = curator_api.get(f"/api/v1/runs/{run.pk}/log/").json()
    assert told == {"lines": ["09:30:02 train begins", "09:30:41 epoch 1 of 1: loss 1.2345"]}
