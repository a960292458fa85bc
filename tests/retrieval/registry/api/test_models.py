import hashlib
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from jobs.models import Job
from retrieval.models import Dataset, Experiment, Model, Run
from retrieval.registry.services.model_files import PARTS, model_file
from tests.retrieval.registry.external_files import embeddings
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

MODELS = "/api/v1/models/"


def test_members_list_published_models_and_curators_all(
    member_api: APIClient, curator_api: APIClient, world: World
) -> None:
    hidden = world.models[0]
    Model.objects.filter(pk=hidden.pk).update(published=False)
    assert [row["name"] for row in member_api.get(MODELS).json()["results"]] == ["Multi-Similarity"]
    assert member_api.get(f"{MODELS}{hidden.pk}/").status_code == 404
    row = curator_api.get(f"{MODELS}{hidden.pk}/").json()
    assert row["metrics"]["map_at_r"] >= 0 and row["experiment"] == Experiment.objects.get().pk
    assert len(curator_api.get(MODELS, {"loss": "soft_triple"}).json()["results"]) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"loss": "soft_triple"}, 1),
        ({"loss": "arc_face"}, 0),
        ({"published": "true"}, 2),
        ({"published": "false"}, 0),
        ({"published": "false", "loss": "soft_triple"}, 0),
    ],
)
def test_models_are_found_by_loss_and_by_whether_they_are_published(
    member_api: APIClient, world: World, query: dict[str, str], found: int
) -> None:
    assert len(member_api.get(MODELS, query).json()["results"]) == found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "nothing"),
        ("loss", "a\0b"),
        ("published", "maybe"),
        ("published", "1"),
        ("dataset", "x"),
        ("dataset", "999"),
        ("dataset", "9" * 30),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(member_api: APIClient, world: World, name: str, value: str) -> None:
    answer = member_api.get(MODELS, {name: value})
    assert answer.status_code == 400 and [error["field"] for error in answer.json()["errors"]] == [name]


def test_a_data_set_one_may_not_see_looks_like_none(
    member_api: APIClient, curator_api: APIClient, world: World
) -> None:
    waiting = Dataset.objects.create(name="Waiting", slug="waiting", source="wings")
    assert curator_api.get(MODELS, {"dataset": waiting.pk}).json()["results"] == []
    hidden, missing = (member_api.get(MODELS, {"dataset": key}) for key in (waiting.pk, 999))
    assert hidden.status_code == missing.status_code == 400
    assert hidden.json()["errors"] == missing.json()["errors"]
    assert len(member_api.get(MODELS, {"dataset": world.dataset.pk}).json()["results"]) == 2


def test_a_curator_unpublishes_and_publishes_and_gets_the_new_version(
    member_api: APIClient, curator_api: APIClient, world: World
) -> None:
    address = f"{MODELS}{world.models[0].pk}/"
    for act in ("unpublish", "publish"):
        assert member_api.post(f"{address}{act}/").status_code == 403
    before = curator_api.get(address)["ETag"]
    unpublished = curator_api.post(f"{address}unpublish/", headers={"If-Match": before})
    assert unpublished.status_code == 200 and unpublished.json()["published"] is False and unpublished["ETag"] != before
    assert curator_api.post(f"{address}publish/", headers={"If-Match": before}).status_code == 412
    published = curator_api.post(f"{address}publish/", headers={"If-Match": unpublished["ETag"]})
    assert published.json()["published"] is True and published["ETag"] == before


def test_a_curator_sets_a_default_model_by_the_api_and_on_its_page(
    member_api: APIClient, curator_api: APIClient, curator_client: Client, world: World
) -> None:
    model = world.models[0]
    address = f"{MODELS}{model.pk}/"
    assert member_api.post(f"{address}set-default/").status_code == 403
    assert curator_api.post(f"{address}set-default/").json()["is_default"] is True
    assert member_api.get(address).json()["is_default"] is True
    assert curator_api.post(f"{address}unset-default/").json()["is_default"] is False
    page, button = reverse("model", args=[model.pk]), reverse("model-default", args=[model.pk])
    assert f'action="{button}"' in curator_client.get(page).content.decode()
    assert curator_client.post(button)["Location"] == page
    assert member_api.get(address).json()["is_default"] is True
    Model.objects.update(published=False)
    assert curator_api.post(f"{address}set-default/").status_code == 409
    assert f'action="{button}"' not in curator_client.get(page).content.decode()


def test_publishing_without_an_index_is_a_conflict(curator_api: APIClient, world: World) -> None:
    model = world.models[0]
    Model.objects.update(published=False)
    model.indexes.update(active=False)
    answer = curator_api.post(f"{MODELS}{model.pk}/publish/")
    assert answer.status_code == 409 and "no active index yet" in answer.json()["detail"]


def test_diagnostics_are_given_of_the_models_one_sees(
    member_api: APIClient, curator_api: APIClient, world: World
) -> None:
    first, second = world.models
    found = member_api.get(f"{MODELS}{first.pk}/diagnostics/").json()
    assert {"classes", "worst_queries", "hubs"} <= found.keys()
    (second.folder / "diagnostics.json").unlink()
    missing = member_api.get(f"{MODELS}{second.pk}/diagnostics/")
    assert missing.status_code == 404 and "has no diagnostics" in missing.json()["detail"]
    Model.objects.filter(pk=first.pk).update(published=False)
    assert member_api.get(f"{MODELS}{first.pk}/diagnostics/").status_code == 404
    assert curator_api.get(f"{MODELS}{first.pk}/diagnostics/").status_code == 200


# --- its files


def test_every_file_is_listed_with_what_it_takes_to_check_it(member_api: APIClient, world: World) -> None:
    model = world.models[0]
    rows = member_api.get(f"{MODELS}{model.pk}/files/").json()
    assert [row["part"] for row in rows] == list(PARTS)
    for row in rows:
        file = model_file(model, row["part"])
        assert file is not None and row["size"] == file.stat().st_size and row["created_at"].endswith("Z")
        kept: Any = member_api.get(f"{MODELS}{model.pk}/files/{row['part']}/")
        data = b"".join(kept.streaming_content)
        assert hashlib.sha256(data).hexdigest() == row["sha256"] and row["name"] in kept["Content-Disposition"]
        assert kept["Content-Type"] == "application/octet-stream" and kept["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_a_model_has_not_is_not_listed_and_a_problem(member_api: APIClient, world: World) -> None:
    address = f"{MODELS}{world.models[0].pk}/files/"
    (world.models[0].folder / "history.jsonl").unlink()
    assert "history" not in [row["part"] for row in member_api.get(address).json()]
    for part in ("history", "nothing"):
        answer = member_api.get(f"{address}{part}/", headers={"Accept": "application/octet-stream"})
        assert answer.status_code == 404 and answer["Content-Type"] == "application/problem+json"


def test_files_of_what_is_not_published_are_for_curators(
    member_api: APIClient, curator_api: APIClient, world: World
) -> None:
    hidden = world.models[0]
    Model.objects.filter(pk=hidden.pk).update(published=False)
    for address in (f"{MODELS}{hidden.pk}/files/", f"{MODELS}{hidden.pk}/files/embeddings/"):
        assert member_api.get(address).status_code == 404
        assert curator_api.get(address).status_code == 200


# --- external models


def test_an_external_model_is_imported_once_under_one_key(curator_api: APIClient, world: World) -> None:
    def sent(name: str) -> Any:
        values = {"dataset": world.dataset.pk, "name": name, **embeddings(world.dataset)}
        return curator_api.post(MODELS, values, format="multipart", headers={"Idempotency-Key": "theirs"})

    first, again = sent("Theirs"), sent("Theirs")
    assert first.status_code == 202 and again["Idempotent-Replayed"] == "true" and first.json() == again.json()
    assert first["Retry-After"] == "2" and Job.objects.filter(kind="add-model").count() == 1
    assert sent("Others").status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [({"dataset": 999}, "dataset"), ({"weights": "no file"}, "weights"), ({"nothing": "1"}, "nothing")],
)
def test_a_model_that_cannot_be_imported_names_the_field(
    curator_api: APIClient, world: World, change: dict[str, Any], field: str
) -> None:
    values = {"dataset": world.dataset.pk, **embeddings(world.dataset), **change}
    answer = curator_api.post(MODELS, values, format="multipart")
    assert answer.status_code == 400 and [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Job.objects.filter(kind="add-model").exists()


def test_a_model_is_sent_as_a_form_with_files(curator_api: APIClient, world: World) -> None:
    answer = curator_api.post(MODELS, {"dataset": world.dataset.pk}, format="json")
    assert answer.status_code == 415 and answer.json()["type"] == "/api/problems/unsupported-media-type"


def test_metrics_of_release_0_1_have_the_keys_of_today(curator_api: APIClient, world: World) -> None:
    run = world.models[0].run
    assert run is not None and run.metrics is not None
    old = {name: value for name, value in run.metrics.items() if name != "queries_without_match"} | {"lonely": 3}
    Run.objects.filter(pk=run.pk).update(metrics=old)
    for address in (f"{MODELS}{world.models[0].pk}/", f"/api/v1/runs/{run.pk}/"):
        metrics = curator_api.get(address).json()["metrics"]
        assert metrics["queries_without_match"] == 3 and "lonely" not in metrics
