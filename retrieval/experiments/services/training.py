"""Trainings: a child process trains a run, which becomes a model."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import User
from config import places
from jobs.children import run_child
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.patience import patiently
from mlcore.artifacts import read_json, write_json
from mlcore.losses import stored_params
from retrieval.datasets.services.catalogue import catalogue_with_pictures
from retrieval.experiments.services.log import RunLog
from retrieval.experiments.services.shared_checkpoints import SharedCheckpoints, forget_checkpoints
from retrieval.experiments.services.weights import weights_place
from retrieval.models import Dataset, Model, Run
from retrieval.registry.services.indexes import submit_index
from retrieval.registry.services.legend import model_name, next_color
from storage.store import place_of, store


def run_train_job(context: JobContext, run: int) -> dict[str, int]:
    """Train a run in a child process; store its model and queue its index. Safe to run again."""
    row = Run.objects.select_related("experiment__dataset").filter(pk=run).first()
    if row is None:
        raise JobFailed("its run was deleted; start another experiment")
    artifact = f"runs/{row.pk}"
    if not store().has(artifact):
        out = place_of(artifact)
        if not out.exists():  # else an attempt died while it stored its files
            _train_in_child(context, row, out)
        context.check()
        store().put(artifact)
        context.beat()
    context.check()
    model = _store_model(row, artifact, store().local_copy(artifact))
    forget_checkpoints(row)
    owner = User.objects.filter(pk=context.asked_by_id).first() if context.asked_by_id else None
    index_job = submit_index(model, by=owner)
    return {"run": row.pk, "model": model.pk, "index_job": index_job.pk}


def _train_in_child(context: JobContext, run: Run, out: Path) -> None:
    scratch, log = context.adopt_scratch(), RunLog(run)
    dataset, _ = catalogue_with_pictures(run.experiment.dataset_id, context.progress)
    run.experiment.dataset = dataset
    checkpoints = SharedCheckpoints(run, scratch / _work_of(dataset))
    checkpoints.drop_damaged()
    checkpoints.fetch()
    history: list[Mapping[str, Any]] = []

    def hear(event: Mapping[str, Any]) -> None:
        log.hear(event)
        context.hear_progress(event)
        if event["event"] == "epoch":
            context.check()
            history.append(event)
            patiently(lambda: Run.objects.filter(pk=run.pk).update(history=history))
            checkpoints.put()
            context.say(f"epoch {event['epoch']} of {event['epochs']}, loss {event['loss']:.4f}")

    log.add(f"attempt {context.attempt} begins")
    try:
        run_child(
            _command(run, scratch, out),
            on_event=hear,
            on_line=log.add,
            should_stop=context.should_stop,
            cwd=settings.BASE_DIR,
        )
    finally:
        log.store()


def _command(run: Run, scratch: Path, out: Path) -> list[str]:
    experiment = run.experiment
    protocol = scratch / "protocol.json"
    write_json(protocol, {**experiment.protocol, **run.changes})
    command = [sys.executable, "-m", "mlcore", "train", "--events", "jsonl", "--child", "--engine"]
    command += [
        "--data",
        str(experiment.dataset.folder),
        "--out",
        str(out),
        "--work",
        str(scratch / _work_of(experiment.dataset)),
    ]
    command += ["--cache", str(places.cache()), "--protocol", str(protocol)]
    command += ["--loss", run.loss, "--seed", str(run.seed)]
    command += [word for name, value in run.params.items() for word in ("--param", f"{name}={value}")]
    if run.fold is not None:
        command += ["--fold", str(run.fold)]
    if experiment.weights:
        command += ["--weights", str(weights_place(experiment.weights))]
    return command


def _work_of(dataset: Dataset) -> str:
    """Return the folder of a training's checkpoints; each revision of the data set has its own."""
    return f"work-{dataset.fingerprint[:8]}"


@transaction.atomic
def _store_model(run: Run, artifact: str, out: Path) -> Model:
    metrics, described = read_json(out / "metrics.json"), read_json(out / "model.json")
    _require_same_run(run, described, out)
    Run.objects.filter(pk=run.pk).update(metrics=metrics)
    model, _ = Model.objects.get_or_create(
        run=run,
        defaults={
            "dataset": run.experiment.dataset,
            "name": model_name(run),
            "loss": run.loss,
            "artifact": artifact,
            "weights_sha256": described["weights_sha256"],
            "dim": described["dim"],
            "color": next_color(run.experiment.dataset),
        },
    )
    return model


def _require_same_run(run: Run, described: Mapping[str, Any], out: Path) -> None:
    """Refuse a folder that another database's run left under the same number."""
    params = stored_params(described["loss"], described["params"])
    stored = [described["loss"], params, described["seed"], described["fold"]]
    known = Dataset.objects.get(pk=run.experiment.dataset_id).revisions  # it may have moved on since training began
    if stored != [run.loss, run.params, run.seed, run.fold] or described["dataset"]["fingerprint"] not in known:
        raise JobFailed(f"{out} holds another run, perhaps of another database; move it away, then retry")
