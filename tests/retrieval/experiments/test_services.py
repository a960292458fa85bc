import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from accounts.models import User
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.config import PRESETS
from mlcore.losses import LOSSES
from retrieval.errors import Refused
from retrieval.experiments import services
from retrieval.models import COLORS, Dataset, Experiment, Model, Run
from tests.retrieval.world import LOSSES as PAIR
from tests.retrieval.world import SMALL, World, done, failed, started

pytestmark = pytest.mark.django_db


def put_weights(name: str, beside: str | None) -> None:
    folder = Path(settings.WEIGHTS_DIR)
    folder.mkdir(parents=True)
    (folder / f"{name}.safetensors").write_bytes(b"")
    if beside is not None:
        (folder / f"{name}.json").write_text(beside)


# --- what can be chosen


def test_every_loss_and_baseline_is_described() -> None:
    table = services.loss_table()
    assert [row["name"] for row in table] == [*LOSSES, "untrained", "half_whitened_pca"]
    assert all(row["title"] == services.loss_titles()[row["name"]] and row["idea"] for row in table)
    assert [row["name"] for row in services.presets()] == list(PRESETS)


def test_a_preset_is_changed_field_by_field() -> None:
    protocol = services.make_protocol("demo", {"epochs": "3", "learning_rate": 0.5}, "")
    assert (protocol.epochs, protocol.learning_rate, protocol.name) == (3, 0.5, "demo (changed)")


@pytest.mark.parametrize(
    ("preset", "changes", "weights", "sentence"),
    [
        ("nothing", {}, "", "no protocol named 'nothing'; known: demo"),
        ("demo", {"epoch": 3}, "", "no field 'epoch'"),
        ("demo", {"epochs": 0}, "", "epochs must be at least 1"),
        ("demo", {"epochs": "many"}, "", "epochs must be"),
        ("demo", {"learning_rate": "nan"}, "", "learning_rate must be"),
        ("demo", {"learning_rate": "inf"}, "", "learning_rate must be"),
        ("demo", {"weights": "local"}, "", "choose one"),
        ("demo", {}, "../secret", "no weights file named '../secret'; known: none"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(
    preset: str, changes: dict[str, Any], weights: str, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence):
        services.make_protocol(preset, changes, weights)


def test_local_weights_bring_their_backbone() -> None:
    put_weights("small", json.dumps({"architecture": "resnet10t"}))
    protocol = services.make_protocol("fine-tune-small", {}, "small.safetensors")
    assert (protocol.weights, protocol.backbone) == ("local", "resnet10t")


@pytest.mark.parametrize("beside", [None, "{", "[]", "{}"])
def test_weights_without_a_description_are_refused(beside: str | None) -> None:
    put_weights("small", beside)
    with pytest.raises(Refused, match=r"small\.json does not say"):
        services.make_protocol("demo", {}, "small.safetensors")


# --- starting


def test_an_experiment_has_a_run_and_a_job_for_each_cell(world: World, curator: User) -> None:
    losses = ("soft_triple", "untrained", "soft_triple")
    experiment = started(world.dataset, losses, seeds=[2, 0, 2], params={"soft_triple": {"gamma": 0.5}}, by=curator)
    assert [(run.loss, run.seed, run.state) for run in experiment.runs.all()] == [
        ("soft_triple", 0, "queued"),
        ("soft_triple", 2, "queued"),
        ("untrained", 0, "queued"),
    ]
    run = experiment.runs.all()[0]
    assert run.params["gamma"] == 0.5 and set(run.params) == set(LOSSES["soft_triple"].parameters)
    assert run.job is not None and run.job.owner == curator and run.job.queue == "train"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"losses": ("soft_tripel",)}, "soft_tripel"),
        ({"params": {"soft_triple": {"gama": 1}}}, "no parameter 'gama'"),
        ({"params": {"soft_triple": {"gamma": -1}}}, "gamma must be positive"),
        ({"params": {"soft_triple": {"gamma": "x"}}}, "gamma must be a number"),
        ({"losses": ()}, "at least one loss"),
        ({"seeds": []}, "at least one loss and one seed"),
        ({"seeds": [-1]}, "a seed is a whole number from 0"),
        ({"seeds": [2**31]}, "a seed is a whole number from 0"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_whole(world: World, change: dict[str, Any], sentence: str) -> None:
    before = Experiment.objects.count(), Run.objects.count(), Job.objects.count()
    with pytest.raises(Refused, match=sentence):
        started(world.dataset, **change)
    assert (Experiment.objects.count(), Run.objects.count(), Job.objects.count()) == before


def test_a_set_not_imported_cannot_be_trained_on() -> None:
    dataset = Dataset.objects.create(name="Waiting", slug="waiting", source="wings")
    with pytest.raises(Refused, match="Waiting is not imported yet"):
        started(dataset)


# --- training, in the world that was trained by these services


def test_a_finished_run_has_a_model_metrics_and_each_epoch_once(world: World) -> None:
    for run, model in zip(Run.objects.all(), world.models, strict=True):
        assert run.state == "succeeded" and run.metrics["recall_at"]["1"] >= 0
        assert [event["epoch"] for event in run.history] == [1]
        assert model.run == run and model.loss == run.loss and model.published
        assert model.folder == settings.MEDIA_ROOT / "runs" / str(run.pk) and model.folder.is_dir()
        assert json.loads((model.folder / "model.json").read_text())["weights_sha256"] == model.weights_sha256
    assert [model.name for model in world.models] == ["SoftTriple", "Multi-Similarity"]
    assert len({model.color for model in world.models}) == 2


def test_a_training_that_runs_twice_makes_one_model_and_trains_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "run_child", None)
    job = Run.objects.all()[0].job
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None, heartbeat_at=None)
    done(job)
    assert Model.objects.count() == 2 and job.result["model"] == world.models[0].pk


def test_a_folder_that_another_databases_run_left_is_refused(world: World) -> None:
    run = started(world.dataset, PAIR[1:]).runs.get()
    shutil.copytree(world.models[0].folder, Path(settings.MEDIA_ROOT) / "runs" / str(run.pk))
    assert "holds another run" in failed(run.job)
    assert not Model.objects.filter(run=run).exists()


def test_a_training_cancelled_before_the_end_stores_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(world.dataset, PAIR[:1]).runs.get()

    def cancelled_meanwhile(argv: list[str], **kwargs: Any) -> None:
        Job.objects.filter(pk=run.job_id).update(cancel_asked=True)
        kwargs["on_event"]({"event": "progress", "phase": "train", "done": 1, "total": 2})

    monkeypatch.setattr(services, "run_child", cancelled_meanwhile)
    jobs.run_job(run.job_id)
    run.refresh_from_db()
    assert run.state == "cancelled" and run.metrics is None and not Model.objects.filter(run=run).exists()


def test_a_training_that_fails_says_why_and_can_be_retried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(world.dataset, PAIR[:1]).runs.get()

    def fail(argv: list[str], **kwargs: Any) -> None:
        kwargs["on_event"]({"event": "epoch", "epoch": 1, "epochs": 2, "loss": 0.5})
        raise JobFailed("the loss became nan at epoch 2")

    monkeypatch.setattr(services, "run_child", fail)
    assert failed(run.job) == "the loss became nan at epoch 2"
    run.refresh_from_db()
    assert run.state == "failed" and [event["epoch"] for event in run.history] == [1]
    jobs.retry(run.job)
    run.refresh_from_db()
    assert run.state == "queued"


def test_the_child_gets_everything_by_its_command_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(world.dataset, PAIR[:1], seeds=[3], params={"soft_triple": {"gamma": 0.25}}).runs.get()
    seen: list[list[str]] = []
    monkeypatch.setattr(services, "run_child", lambda argv, **kwargs: seen.append(argv))
    context = jobs.claim(run.job_id)
    assert isinstance(context, JobContext)
    with pytest.raises(FileNotFoundError):  # this child leaves no model
        services.run_train_job(context, run.pk)
    [command] = seen
    given = dict(zip(command, command[1:], strict=False))
    assert given["--data"] == str(world.dataset.folder) and given["--seed"] == "3" and given["--loss"] == "soft_triple"
    assert "gamma=0.25" in command and "--child" in command and given["--cache"] == str(settings.CACHE_DIR)
    assert not Model.objects.filter(run=run).exists()


def test_several_seeds_are_told_apart_by_name(world: World) -> None:
    experiment = started(world.dataset, PAIR[:1], seeds=[0, 1])
    assert [services.model_name(run) for run in experiment.runs.all()] == ["SoftTriple (seed 0)", "SoftTriple (seed 1)"]


# --- folds


def folded(world: World) -> Experiment:
    protocol = services.make_protocol("demo", {**SMALL, "epochs": 1, "folds": 2}, "")
    return started(world.dataset, ("soft_triple", "untrained"), protocol=protocol)


def test_a_protocol_with_folds_has_a_run_for_each_of_them(world: World) -> None:
    experiment = folded(world)
    found = [(run.loss, run.fold) for run in experiment.runs.all()]
    assert found == [("soft_triple", 0), ("soft_triple", 1), ("untrained", None)]
    for repeated in ({"loss": "soft_triple", "fold": 1}, {"loss": "untrained", "fold": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.create(experiment=experiment, seed=0, **repeated)


def test_a_fold_is_trained_without_its_classes_and_named(world: World) -> None:
    run = folded(world).runs.get(fold=1)
    done(run.job)
    model = Model.objects.get(run=run)
    assert model.name == "SoftTriple (fold 1)"
    described = json.loads((model.folder / "model.json").read_text())
    assert (described["fold"], described["protocol"]["folds"]) == (1, 2)


# --- publishing


def test_a_model_without_an_active_index_cannot_be_published(world: World) -> None:
    model = world.models[0]
    services.set_published(model, False)
    model.indexes.update(active=False)
    with pytest.raises(Refused, match="SoftTriple has no active index yet"):
        services.set_published(model, True)
    model.refresh_from_db()
    assert not model.published
    model.indexes.update(active=True)
    services.set_published(model, True)
    services.set_published(model, True)
    model.refresh_from_db()
    assert model.published


def test_members_see_published_models_curators_all_and_visitors_those_of_public_sets(
    world: World, member: User, curator: User
) -> None:
    services.set_published(world.models[0], False)
    assert list(services.visible_models(member)) == world.models[1:]
    assert list(services.visible_models(curator)) == world.models
    assert list(services.visible_models(AnonymousUser())) == world.models[1:]
    Dataset.objects.update(public=False)
    assert list(services.visible_models(AnonymousUser())) == []


def test_there_is_a_colour_for_every_model(world: World) -> None:
    assert all(model.color < COLORS for model in world.models)
