from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from retrieval.models import Experiment, Model
from tests.conftest import api_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/experiments/"
MODELS = "/api/v1/models/"


def body(world: World, **changes: Any) -> dict[str, Any]:
    values = {"name": "Mine", "dataset": world.dataset.pk, "preset": "demo", "losses": ["soft_triple"]}
    return values | changes


def test_losses_are_listed(member_api: APIClient) -> None:
    names = [row["name"] for row in member_api.get("/api/v1/losses/").json()]
    assert "soft_triple" in names and "untrained" in names


def test_a_curator_starts_an_experiment_and_follows_it(curator_api: APIClient, world: World) -> None:
    answer = curator_api.post(
        ROOT, body(world, changes={"epochs": 2}, seeds=[1, 2], params={"soft_triple": {"gamma": 0.5}}), format="json"
    )
    assert answer.status_code == 202
    followed = curator_api.get(answer["Location"]).json()
    assert followed["protocol"]["epochs"] == 2 and followed == answer.json()
    assert [(run["seed"], run["state"], run["params"]["gamma"], run["model"]) for run in followed["runs"]] == [
        (1, "queued", 0.5, None),
        (2, "queued", 0.5, None),
    ]
    assert Job.objects.filter(state="queued").count() == 2


def test_a_client_tunes_every_loss_with_the_same_budget(curator_api: APIClient, world: World) -> None:
    losses = ["soft_triple", "n_pairs"]
    answer = curator_api.post(ROOT, body(world, losses=losses, trials=3, validation_classes=2), format="json")
    assert answer.status_code == 202
    found = answer.json()
    assert found["tuning"] == {"trials": 3, "validation_classes": 2, "seed": 0}
    assert [(row["loss"], row["state"], row["trials"]) for row in found["tunings"]] == [
        (loss, "queued", {}) for loss in losses
    ]
    assert [run["tuned"] for run in found["runs"]] == [False, False]


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"dataset": 999999}, 400, "999999"),
        ({"dataset": "x"}, 400, "dataset: Incorrect type"),
        ({"preset": "nothing"}, 400, "no protocol named 'nothing'"),
        ({"losses": ["nothing"]}, 400, "nothing"),
        ({"losses": []}, 400, "losses"),
        ({"changes": {"nothing": 1}}, 400, "no field 'nothing'"),
        ({"changes": {"learning_rate": "1e999"}}, 400, "learning_rate must be"),
        ({"changes": {"name": "a\0b"}}, 400, "name"),
        ({"changes": {"epochs": [1]}}, 400, "epochs"),
        ({"params": {"soft_triple": {"gamma": "x"}}}, 400, "gamma must be a number"),
        ({"params": {"soft_triple": {"nothing": 1}}}, 400, "no parameter 'nothing'"),
        ({"params": {"nothing": {"gamma": 1}}}, 400, "nothing"),
        ({"seeds": [-1]}, 400, "seeds"),
        ({"seeds": [10**12]}, 400, "a seed is"),
        ({"seeds": []}, 400, "seeds"),
        ({"weights": "nothing.safetensors"}, 400, "no weights file named"),
        ({"trials": 2, "validation_classes": 1}, 400, "cannot tell right from wrong"),
        ({"trials": 2}, 400, "cannot tell right from wrong"),
        ({"trials": -1}, 400, "trials"),
    ],
)
def test_a_wrong_experiment_is_a_problem_and_starts_nothing(
    curator_api: APIClient, world: World, change: dict[str, Any], status: int, sentence: str
) -> None:
    answer = curator_api.post(ROOT, body(world, **change), format="json")
    assert answer.status_code == status and sentence in answer.json()["detail"]
    assert Experiment.objects.count() == 1 and not Job.objects.filter(state="queued").exists()


def test_experiments_are_for_curators_whose_token_may_write(member_api: APIClient, curator: User, world: World) -> None:
    assert member_api.get(ROOT).status_code == 403
    assert member_api.post(ROOT, body(world), format="json").status_code == 403
    reader = api_of(curator, read_only=True)
    assert reader.get(ROOT).status_code == 200
    assert reader.post(ROOT, body(world), format="json").status_code == 403
    assert Experiment.objects.count() == 1


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


def test_a_curator_withdraws_publishes_and_rebuilds(
    member_api: APIClient, curator_api: APIClient, world: World
) -> None:
    address = f"{MODELS}{world.models[0].pk}/"
    for act in ("withdraw", "publish", "index"):
        assert member_api.post(f"{address}{act}/").status_code == 403
    assert curator_api.post(f"{address}withdraw/").json()["published"] is False
    assert curator_api.post(f"{address}publish/").json()["published"] is True
    answer = curator_api.post(f"{address}index/")
    assert answer.status_code == 202 and curator_api.get(answer["Location"]).json()["kind"] == "index"


def test_publishing_without_an_index_is_a_problem(curator_api: APIClient, world: World) -> None:
    model = world.models[0]
    Model.objects.update(published=False)
    model.indexes.update(active=False)
    answer = curator_api.post(f"{MODELS}{model.pk}/publish/")
    assert answer.status_code == 400 and "no active index yet" in answer.json()["detail"]


def test_diagnostics_are_given_of_the_models_one_sees(
    member_api: APIClient, curator_api: APIClient, world: World
) -> None:
    first, second = world.models
    found = member_api.get(f"{MODELS}{first.pk}/diagnostics/").json()
    assert {"classes", "worst_queries", "hubs"} <= found.keys()
    (second.folder / "diagnostics.json").unlink()
    missing = member_api.get(f"{MODELS}{second.pk}/diagnostics/")
    assert missing.status_code == 404 and "before diagnostics were kept" in missing.json()["detail"]
    Model.objects.filter(pk=first.pk).update(published=False)
    assert member_api.get(f"{MODELS}{first.pk}/diagnostics/").status_code == 404
    assert curator_api.get(f"{MODELS}{first.pk}/diagnostics/").status_code == 200
