from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from jobs.models import Job
from retrieval.models import Experiment, Model
from retrieval.registry.services.visibility import set_published
from tests.retrieval.pictures import jpeg
from tests.retrieval.registry.external_files import embeddings, network
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db

MODELS = "/api/v1/models/"


def listed(job: Job) -> Model:
    """Do the job and that of its index."""
    result = done(job).result
    done(Job.objects.get(pk=result["index_job"]))
    return Model.objects.get(pk=result["model"])


def test_a_curator_imports_a_network_and_sees_its_metrics(curator_client: Client, world: World, tmp_path: Path) -> None:
    address = reverse("model-new")
    assert 'name="weights"' in curator_client.get(address).content.decode()
    answer = curator_client.post(address, {"dataset": world.dataset.pk, **network(tmp_path, name="Fields")})
    job = Job.objects.get(kind="add-model")
    assert answer["Location"] == reverse("job", args=[job.pk])
    model = listed(job)
    text = curator_client.get(reverse("model", args=[model.pk])).content.decode()
    assert "<dd>external</dd>" in text and "MAP@R" in text and "Hubness" in text and "state-running" in text
    assert "Fields" in curator_client.get(reverse("lab")).content.decode()
    assert "Fields" in curator_client.get(reverse("report", args=[Experiment.objects.get().pk])).content.decode()
    set_published(model, True)
    assert "External models" in curator_client.get(reverse("leaderboard")).content.decode()
    board = curator_client.get(reverse("leaderboard"), {"protocol": "external"}).content.decode()
    assert "Fields" in board and "each was trained in its own way" in board


def test_a_wrong_form_is_explained_and_queues_nothing(curator_client: Client, world: World) -> None:
    files = embeddings(world.dataset)
    half = {"dataset": world.dataset.pk, "embeddings": files["embeddings"]}
    answer = curator_client.post(reverse("model-new"), half)
    assert answer.status_code == 400 and "do not make a model" in answer.content.decode()
    answer = curator_client.post(reverse("model-new"), {"dataset": 999999, **files})
    assert answer.status_code == 400 and "Select a valid choice" in answer.content.decode()
    assert not Job.objects.filter(kind="add-model").exists()


def test_external_models_are_for_curators(client: Client, member_client: Client) -> None:
    for method in ("get", "post"):
        assert getattr(client, method)(reverse("model-new")).status_code == 302
        assert getattr(member_client, method)(reverse("model-new")).status_code == 403


def test_a_search_with_ones_own_picture_says_whom_it_did_not_ask(curator_client: Client, world: World) -> None:
    curator_client.post(reverse("model-new"), {"dataset": world.dataset.pk, **embeddings(world.dataset)})
    model = listed(Job.objects.get(kind="add-model"))
    set_published(model, True)
    assert "pictures of the data set only" in curator_client.get(reverse("search")).content.decode()
    own = {"datasets": [world.dataset.pk], "picture": SimpleUploadedFile("own.jpg", jpeg()), "k": 3}
    answer = curator_client.post(reverse("search"), own | {"all_models": "on"}, follow=True)
    assert answer.status_code == 200 and "theirs was skipped" in answer.content.decode()
    own = {**own, "picture": SimpleUploadedFile("own.jpg", jpeg()), "models": [model.pk]}
    alone = curator_client.post(reverse("search"), own)
    assert alone.status_code == 400 and "cannot embed a new picture" in alone.content.decode()


# --- over the API


def test_a_client_imports_embeddings_and_reads_their_metrics(
    curator_api: APIClient, member_api: APIClient, world: World
) -> None:
    values = {"dataset": world.dataset.pk, "name": "Theirs", **embeddings(world.dataset)}
    assert member_api.post(MODELS, values, format="multipart").status_code == 403
    values = {"dataset": world.dataset.pk, "name": "Theirs", **embeddings(world.dataset)}
    answer = curator_api.post(MODELS, values, format="multipart")
    assert answer.status_code == 202 and curator_api.get(answer["Location"]).json()["kind"] == "add-model"
    model = listed(Job.objects.get(kind="add-model"))
    row = curator_api.get(f"{MODELS}{model.pk}/").json()
    assert (row["name"], row["experiment"], row["has_network"], row["published"]) == ("Theirs", None, False, False)
    assert row["metrics"]["map_at_r"] >= 0
    report = f"/api/v1/experiments/{Experiment.objects.get().pk}/report/"
    assert curator_api.post(report, {"external_models": [model.pk]}, format="json").status_code == 202
    refused = curator_api.post(report, {"external_models": [world.models[0].pk]}, format="json")
    assert refused.status_code == 400 and "is no external model" in refused.json()["detail"]


def test_a_client_that_sends_half_a_model_gets_a_problem(curator_api: APIClient, world: World) -> None:
    values = {"dataset": world.dataset.pk, "images": embeddings(world.dataset)["images"]}
    answer = curator_api.post(MODELS, values, format="multipart")
    assert answer.status_code == 400 and "do not make a model" in answer.json()["detail"]
    assert curator_api.post(MODELS, {}, format="multipart").status_code == 400
