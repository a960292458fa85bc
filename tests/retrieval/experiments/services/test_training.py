import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from retrieval.experiments.services import training
from retrieval.experiments.services.training import run_train_job
from retrieval.models import Model, Run
from retrieval.registry.services.legend import model_name
from tests.retrieval.experiments.services.test_starting import folded
from tests.retrieval.world import LOSSES as PAIR
from tests.retrieval.world import World, done, failed, started

pytestmark = pytest.mark.django_db


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
    monkeypatch.setattr(training, "run_child", None)
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

    monkeypatch.setattr(training, "run_child", cancelled_meanwhile)
    jobs.run_job(run.job_id)
    run.refresh_from_db()
    assert run.state == "cancelled" and run.metrics is None and not Model.objects.filter(run=run).exists()


def test_a_training_that_fails_says_why_and_can_be_retried(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(world.dataset, PAIR[:1]).runs.get()

    def fail(argv: list[str], **kwargs: Any) -> None:
        kwargs["on_event"]({"event": "epoch", "epoch": 1, "epochs": 2, "loss": 0.5})
        raise JobFailed("the loss became nan at epoch 2")

    monkeypatch.setattr(training, "run_child", fail)
    assert failed(run.job) == "the loss became nan at epoch 2"
    run.refresh_from_db()
    assert run.state == "failed" and [event["epoch"] for event in run.history] == [1]
    jobs.retry(run.job)
    run.refresh_from_db()
    assert run.state == "queued"


def test_the_child_gets_everything_by_its_command_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(world.dataset, PAIR[:1], seeds=[3], params={"soft_triple": {"gamma": 0.25}}).runs.get()
    seen: list[list[str]] = []
    monkeypatch.setattr(training, "run_child", lambda argv, **kwargs: seen.append(argv))
    context = jobs.claim(run.job_id)
    assert isinstance(context, JobContext)
    with pytest.raises(FileNotFoundError):  # this child leaves no model
        run_train_job(context, run.pk)
    [command] = seen
    given = dict(zip(command, command[1:], strict=False))
    assert given["--data"] == str(world.dataset.folder) and given["--seed"] == "3" and given["--loss"] == "soft_triple"
    assert (
        "gamma=0.25" in command
        and {"--child", "--engine"} <= set(command)
        and given["--cache"] == str(settings.CACHE_DIR)
    )
    assert not Model.objects.filter(run=run).exists()


def test_several_seeds_are_told_apart_by_name(world: World) -> None:
    experiment = started(world.dataset, PAIR[:1], seeds=[0, 1])
    assert [model_name(run) for run in experiment.runs.all()] == [
        "SoftTriple (seed 0)",
        "SoftTriple (seed 1)",
    ]


def test_a_fold_is_trained_without_its_classes_and_named(world: World) -> None:
    run = folded(world).runs.get(fold=1)
    done(run.job)
    model = Model.objects.get(run=run)
    assert model.name == "SoftTriple (fold 1)"
    described = json.loads((model.folder / "model.json").read_text())
    assert (described["fold"], described["protocol"]["folds"]) == (1, 2)
