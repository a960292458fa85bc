from typing import Any

import pytest
from rest_framework.test import APIClient

from jobs.models import Job
from retrieval.models import Dataset, Model
from tests.retrieval.registry.services.test_indexes import active, rebuilt
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/indexes/"


def test_a_curator_lists_indexes_and_switches(curator_api: APIClient, world: World) -> None:
    model = world.models[0]
    old = world.index_of(model)
    new = rebuilt(model)
    rows = curator_api.get(ROOT, {"model": model.pk, "active": "true"}).json()["results"]
    assert [row["id"] for row in rows] == [new.pk]
    answer = curator_api.post(f"{ROOT}{old.pk}/activate/")
    assert answer.status_code == 200 and answer.json()["active"] and active(model) == [old]
    assert answer["ETag"] == curator_api.get(f"{ROOT}{old.pk}/")["ETag"]


def test_an_index_without_files_is_a_conflict(curator_api: APIClient, world: World) -> None:
    old = world.index_of(world.models[0])
    rebuilt(world.models[0])
    old.folder.rename(old.folder.with_name("elsewhere"))
    answer = curator_api.post(f"{ROOT}{old.pk}/activate/")
    assert answer.status_code == 409 and "are gone" in answer.json()["detail"]


def test_indexes_are_for_curators(member_api: APIClient, curator_api: APIClient, world: World) -> None:
    index = world.index_of(world.models[0])
    assert member_api.get(ROOT).status_code == 403
    assert member_api.post(f"{ROOT}{index.pk}/activate/").status_code == 403
    assert curator_api.post(f"{ROOT}{'9' * 25}/activate/").status_code == 404


def test_an_index_is_built_of_the_models_own_set_or_of_another(curator_api: APIClient, world: World) -> None:
    moths = world.another()
    model = world.models[1]
    answers = [curator_api.post(ROOT, {"model": model.pk, **more}) for more in ({}, {"dataset": moths.pk})]
    assert [answer.status_code for answer in answers] == [202, 202]
    payloads = [Job.objects.get(pk=answer.json()["id"]).payload for answer in answers]
    assert [payload["dataset"] for payload in payloads] == [world.dataset.pk, moths.pk]
    assert curator_api.get(answers[0]["Location"]).json()["kind"] == "index" and answers[0]["Retry-After"] == "2"


def test_a_build_is_asked_for_once_under_one_key(curator_api: APIClient, world: World) -> None:
    body = {"model": world.models[0].pk, "dataset": None}
    first, again = (curator_api.post(ROOT, body, headers={"Idempotency-Key": "i"}) for _ in range(2))
    assert first.status_code == 202 and again["Idempotent-Replayed"] == "true" and first.json() == again.json()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": 999}, "model"),
        ({"model": 10**30}, "model"),
        ({"model": True}, "model"),
        ({"model": 1.5}, "model"),
        ({"dataset": 1.5}, "dataset"),
        ({"model": None}, "model"),
        ({"dataset": 999}, "dataset"),
        ({"revision": 1}, "revision"),
    ],
)
def test_what_no_index_can_be_built_of_names_the_field(
    curator_api: APIClient, world: World, change: dict[str, Any], field: str
) -> None:
    answer = curator_api.post(ROOT, {"model": world.models[0].pk, **change})
    assert answer.status_code == 400 and [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Job.objects.filter(state="queued").exists()


def test_embeddings_alone_have_no_index_of_another_set(curator_api: APIClient, world: World) -> None:
    other = Dataset.objects.create(name="Other", slug="other", source="wings", revision=1)
    model = world.models[0]
    Model.objects.filter(pk=model.pk).update(has_network=False)
    answer = curator_api.post(ROOT, {"model": model.pk, "dataset": other.pk})
    assert answer.status_code == 400 and "has no network" in answer.json()["detail"]
    Dataset.objects.filter(pk=other.pk).update(revision=0)
    waiting = curator_api.post(ROOT, {"model": model.pk, "dataset": other.pk})
    assert waiting.status_code == 409 and "is not imported yet" in waiting.json()["detail"]


@pytest.mark.parametrize(("name", "value"), [("active", "maybe"), ("model", "999"), ("dataset", "9" * 30)])
def test_a_filter_that_makes_no_sense_is_named(curator_api: APIClient, world: World, name: str, value: str) -> None:
    answer = curator_api.get(ROOT, {name: value})
    assert answer.status_code == 400 and [error["field"] for error in answer.json()["errors"]] == [name]
