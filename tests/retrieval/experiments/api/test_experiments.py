from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from jobs import services as jobs
from jobs.models import Job
from retrieval.models import Dataset, Experiment, Model, Run
from tests.api.things_lab import reported
from tests.conftest import api_of
from tests.retrieval.world import SMALL, World, started

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/experiments/"
ESTIMATE = f"{ROOT}estimate/"


def wish(world: World, **changes: Any) -> dict[str, Any]:
    return {"dataset": world.dataset.pk, "preset": "demo", "losses": ["soft_triple"], **changes}


def body(world: World, **changes: Any) -> dict[str, Any]:
    return {"name": "Mine", **wish(world, **changes)}


def fields_of(answer: Any) -> list[str]:
    """Return the fields that a problem names."""
    return [error["field"] for error in answer.json().get("errors", [])]


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
    assert found["tuning"] == {"trials": 3, "validation_classes": 2, "folds": 0, "seed": 0}
    assert [(row["loss"], row["state"], row["trials"]) for row in found["tunings"]] == [
        (loss, "queued", {}) for loss in losses
    ]
    assert [run["tuned"] for run in found["runs"]] == [False, False]


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"dataset": 999999}, "dataset", "999999"),
        ({"dataset": 10**30}, "dataset", "does not exist"),
        ({"dataset": "x"}, "dataset", "whole number"),
        ({"dataset": 1.5}, "dataset", "whole number"),
        ({"preset": "nothing"}, "preset", "no preset named 'nothing'"),
        ({"losses": ["nothing"]}, "losses", "nothing"),
        ({"losses": []}, "losses", "losses"),
        ({"losses": ["soft_triple\0"]}, "losses.0", "Null"),
        ({"changes": {"nothing": 1}}, "changes", "no field 'nothing'"),
        ({"changes": {"learning_rate": "1e999"}}, "changes", "learning_rate must be"),
        ({"changes": {"name": "a\0b"}}, "changes.name", "Null"),
        ({"changes": {"epochs": [1]}}, "changes.epochs", "a number or a text"),
        ({"changes": {"epochs": True}}, "changes.epochs", "a number or a text"),
        ({"changes": "epochs=3"}, "changes", "dictionary"),
        ({"params": {"soft_triple": {"gamma": "x"}}}, "params", "gamma must be a number"),
        ({"params": {"soft_triple": {"nothing": 1}}}, "params", "no parameter 'nothing'"),
        ({"params": {"nothing": {"gamma": 1}}}, "params", "nothing"),
        ({"params": {"soft_triple": 1}}, "params.soft_triple", "dictionary"),
        ({"seeds": [-1]}, "seeds.0", "seeds"),
        ({"seeds": [10**12]}, "seeds", "is no seed"),
        ({"seeds": []}, "seeds", "seeds"),
        ({"weights": "nothing.safetensors"}, "weights", "no weights file named"),
        ({"trials": 2, "validation_classes": 1}, "trials", "give at least 2"),
        ({"trials": 2, "validation_classes": 10**30}, "trials", "validation"),
        ({"trials": 2}, "trials", "give at most 2 folds"),
        ({"tuning_folds": 2}, "tuning_folds", "number of trials"),
        ({"trials": -1}, "trials", "trials"),
        ({"validation_classes": 2}, "validation_classes", "number of trials"),
        ({"epochs": 2}, "epochs", "there is no such field"),
    ],
)
@pytest.mark.parametrize("address", [ROOT, ESTIMATE])
def test_a_wrong_plan_names_its_field_and_starts_nothing(
    curator_api: APIClient, world: World, address: str, change: dict[str, Any], field: str, sentence: str
) -> None:
    values = body(world, **change) if address == ROOT else wish(world, **change)
    answer = curator_api.post(address, values)
    assert answer.status_code == 400 and sentence in answer.json()["detail"], answer.json()
    assert fields_of(answer) == [field]
    assert Experiment.objects.count() == 1 and not Job.objects.filter(state="queued").exists()


@pytest.mark.parametrize("address", [ROOT, ESTIMATE])
def test_a_set_that_is_not_imported_is_a_conflict(curator_api: APIClient, world: World, address: str) -> None:
    waiting = Dataset.objects.create(name="Waiting", slug="waiting", source="wings")
    values = (body if address == ROOT else wish)(world, dataset=waiting.pk)
    answer = curator_api.post(address, values)
    assert answer.status_code == 409 and "Waiting is not imported yet" in answer.json()["detail"]


def test_the_same_request_under_one_key_starts_one_experiment(curator_api: APIClient, world: World) -> None:
    first, again = (curator_api.post(ROOT, body(world), headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert first.status_code == again.status_code == 202 and first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true" and again["Location"] == first["Location"]
    assert again["Retry-After"] == "2" and Experiment.objects.count() == 2
    other = curator_api.post(ROOT, body(world, seeds=[3]), headers={"Idempotency-Key": "one"})
    assert other.status_code == 422 and Experiment.objects.count() == 2


def test_experiments_are_listed_of_a_data_set(curator_api: APIClient, world: World) -> None:
    moths = Dataset.objects.create(name="Moths", slug="moths", source="wings", revision=1)
    assert len(curator_api.get(ROOT, {"dataset": world.dataset.pk}).json()["results"]) == 1
    assert curator_api.get(ROOT, {"dataset": moths.pk}).json()["results"] == []
    answer = curator_api.get(ROOT, {"dataset": "9" * 30})
    assert answer.status_code == 400 and fields_of(answer) == ["dataset"]


def test_an_experiment_that_has_not_changed_is_not_sent_again(curator_api: APIClient, world: World) -> None:
    address = f"{ROOT}{Experiment.objects.get().pk}/"
    answer = curator_api.get(address)
    assert curator_api.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    Run.objects.filter(loss="soft_triple").update(metrics=None)
    assert curator_api.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 200


# --- estimates


def test_what_ran_before_is_estimated_at_once(curator_api: APIClient, world: World) -> None:
    answer = curator_api.post(ESTIMATE, wish(world, changes={**SMALL, "epochs": 1}, seeds=[0, 1]))
    assert answer.status_code == 200
    told = answer.json()
    assert told["runs"] == 2 and told["source"] == "earlier runs"
    assert told["seconds"] == pytest.approx(2 * told["each"]["soft_triple"], abs=0.2)


def test_what_nobody_knows_is_measured_first_and_once(curator_api: APIClient, world: World) -> None:
    first, again = (curator_api.post(ESTIMATE, wish(world, changes={**SMALL, "epochs": 7})) for _ in range(2))
    assert first.status_code == 202 and first.json()["kind"] == "estimate" and first["Retry-After"] == "2"
    assert again.json()["id"] == first.json()["id"] and Experiment.objects.count() == 1
    assert curator_api.get(first["Location"]).json()["state"] == "queued"


# --- calling off


def test_cancelling_ends_what_is_queued_or_running_and_nothing_else(
    curator_api: APIClient, curator: User, world: World
) -> None:
    experiment = started(world.dataset, trials=3, validation_classes=2)
    first = experiment.runs.all()[0]
    jobs.claim(first.job_id)
    other = started(world.dataset, name="Another")
    answer = curator_api.post(f"{ROOT}{experiment.pk}/cancel/")
    assert answer.status_code == 202 and answer.json() == {"cancelled": 4} and answer["Retry-After"] == "2"
    followed = curator_api.get(answer["Location"]).json()
    assert [run["state"] for run in followed["runs"]] == ["running", "cancelled"]
    assert [row["state"] for row in followed["tunings"]] == ["cancelled", "cancelled"]
    assert Job.objects.get(pk=first.job_id).cancel_asked
    assert {run.state for run in other.runs.all()} == {"queued"}
    assert AuditEntry.objects.filter(action="cancel-experiment", details__jobs=4, who=curator).count() == 1


def test_what_is_not_at_work_cannot_be_cancelled(curator_api: APIClient, world: World) -> None:
    answer = curator_api.post(f"{ROOT}{Experiment.objects.get().pk}/cancel/")
    assert answer.status_code == 409 and answer.json()["type"] == "/api/problems/conflict"
    assert "nothing to cancel" in answer.json()["detail"]
    assert not AuditEntry.objects.filter(action="cancel-experiment").exists()
    assert curator_api.post(f"{ROOT}999/cancel/").status_code == 404


def test_cancelling_heeds_the_version(curator_api: APIClient, world: World) -> None:
    experiment = started(world.dataset)
    address = f"{ROOT}{experiment.pk}/"
    before = curator_api.get(address)["ETag"]
    jobs.claim(experiment.runs.all()[0].job_id)
    assert curator_api.post(f"{address}cancel/", headers={"If-Match": before}).status_code == 412
    assert not Job.objects.filter(cancel_asked=True).exists()
    now = curator_api.get(address)["ETag"]
    assert curator_api.post(f"{address}cancel/", headers={"If-Match": now}).status_code == 202


# --- reports


def test_making_a_report_is_asked_for_once_under_one_key(curator_api: APIClient, world: World) -> None:
    address = f"{ROOT}{Experiment.objects.get().pk}/report/"
    first, again = (curator_api.post(address, {}, headers={"Idempotency-Key": "r"}) for _ in range(2))
    assert first.status_code == 202 and again["Idempotent-Replayed"] == "true" and first.json() == again.json()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"external_models": [999]}, "external_models"),
        ({"external_models": [10**30]}, "external_models.0"),
        ({"external_models": [0]}, "external_models.0"),
        ({"alse": []}, "alse"),
    ],
)
def test_a_report_with_a_row_that_cannot_be_names_the_field(
    curator_api: APIClient, world: World, values: dict[str, Any], field: str
) -> None:
    answer = curator_api.post(f"{ROOT}{Experiment.objects.get().pk}/report/", values)
    assert answer.status_code == 400 and fields_of(answer) == [field]
    assert not Job.objects.filter(kind="report").exists()


@pytest.mark.parametrize("accept", ["*/*", "text/csv", "application/json"])
def test_a_report_file_comes_whatever_form_is_asked_for(curator_api: APIClient, world: World, accept: str) -> None:
    answer: Any = curator_api.get(f"{ROOT}{reported().pk}/report/csv/", headers={"Accept": accept})
    assert answer.status_code == 200 and answer["Content-Type"] == "text/csv"
    assert b"".join(answer.streaming_content) == b"name,map_at_r\n"


def test_members_keep_the_report_of_what_is_published_and_nothing_else_of_it(
    member_api: APIClient, world: World
) -> None:
    address = f"{ROOT}{reported().pk}/report/"
    assert member_api.get(f"{address}csv/").status_code == 200 and member_api.get(address).status_code == 403
    Model.objects.filter(pk=world.models[0].pk).update(published=False)
    assert member_api.get(f"{address}csv/").status_code == 404


@pytest.mark.parametrize("suffix", ["md", "pdf"])
def test_a_report_file_that_is_not_there_is_a_problem(curator_api: APIClient, world: World, suffix: str) -> None:
    answer = curator_api.get(f"{ROOT}{reported().pk}/report/{suffix}/", headers={"Accept": "text/markdown"})
    assert answer.status_code == 404 and answer["Content-Type"] == "application/problem+json"


def test_experiments_are_for_curators_whose_token_may_write(member_api: APIClient, curator: User, world: World) -> None:
    assert member_api.get(ROOT).status_code == 403
    assert member_api.post(ROOT, body(world), format="json").status_code == 403
    reader = api_of(curator, read_only=True)
    assert reader.get(ROOT).status_code == 200
    assert reader.post(ROOT, body(world), format="json").status_code == 403
    assert Experiment.objects.count() == 1


@pytest.mark.parametrize("address", [ROOT, ESTIMATE])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"folds": 1_000_000_000, "selection": "validation"}, "folds"),
        ({"folds": 900, "selection": "validation"}, "folds"),
        ({"validation_classes": 900, "selection": "validation"}, "validation_classes"),
        ({"epochs": 10**400}, "epochs"),
        ({"epochs": 10**15}, "epochs"),
        ({"short_side": 10**6}, "short_side"),
        ({"short_side": 10**6, "crop": 10**6}, "crop"),
        ({"batch_size": 10**9}, "batch_size"),
        ({"dim": 10**9}, "dim"),
        ({"memory": 10**12}, "memory"),
        ({"batches_per_epoch": 10**12}, "batches_per_epoch"),
        ({"backbone": "../../x"}, "backbone"),
        ({"backbone": "hf-hub:evil/x"}, "backbone"),
        ({"weights": "hub:../x"}, "weights"),
    ],
)
def test_what_no_machine_could_train_is_refused_before_anything_is_queued(
    curator_api: APIClient, world: World, address: str, changes: dict[str, Any], field: str
) -> None:
    before = Run.objects.count(), Job.objects.count()
    sent = wish(world, changes=changes) if address == ESTIMATE else body(world, changes=changes)
    answer = curator_api.post(address, sent, format="json")
    assert answer.status_code == 400 and fields_of(answer) == ["changes"]
    assert answer.json()["errors"][0]["detail"].startswith(field) and len(answer.content) < 2000
    assert (Run.objects.count(), Job.objects.count()) == before


def test_a_loss_that_would_not_fit_is_refused(curator_api: APIClient, world: World) -> None:
    answer = curator_api.post(ROOT, body(world, params={"soft_triple": {"centers": 10**9}}), format="json")
    assert answer.status_code == 400 and fields_of(answer) == ["params"] and "centers" in answer.json()["detail"]


def test_losses_seeds_and_folds_together_are_bounded(curator_api: APIClient, world: World, settings: Any) -> None:
    settings.EXPERIMENT_RUNS = 3
    answer = curator_api.post(ROOT, body(world, seeds=[0, 1, 2, 3]), format="json")
    assert answer.status_code == 400 and fields_of(answer) == ["losses"] and "4 runs" in answer.json()["detail"]
