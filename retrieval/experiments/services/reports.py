"""Rules about the report of an experiment: made by a child process, stored whole, the newest kept."""

import shutil
import sys
from collections.abc import Collection, Container, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.children import run_child
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.artifacts import read_json, write_json
from mlcore.comparison.plan import Cell, Comparison
from mlcore.comparison.plan import Tuning as Budget
from mlcore.comparison.report.document import FORMAT
from mlcore.comparison.report.formatting import matrix_of, notes_of, parameters, tuned_values
from mlcore.comparison.workspace import plan_of
from mlcore.config import Protocol
from mlcore.evaluation.metric_table import DIAGNOSTICS, HEADLINE, title_of, value_text
from mlcore.runs import BASELINES
from retrieval.models import Experiment, Model, Report, Run, Tuning
from retrieval.registry.services.loss_titles import loss_titles

FORMATS = {"html": "text/html", "md": "text/markdown", "tex": "application/x-tex", "csv": "text/csv"}
FORMATS |= {"json": "application/json"}


def outside_models(experiment: Experiment) -> QuerySet[Model]:
    """Return the models from outside that were measured on the same data set and may be rows of a report."""
    return Model.objects.filter(run=None, dataset=experiment.dataset_id, measured__isnull=False)


def submit_report(experiment: Experiment, *, also: Collection[int] = (), by: User | None) -> Job:
    """Queue the making of an experiment's report; one is queued at a time. also: keys of `outside_models`.

    Raises:
        Conflict: none of its runs is finished.
        Rejected: it trains no loss, or another model is not from outside.
    """
    strangers = set(also) - set(outside_models(experiment).values_list("pk", flat=True))
    if strangers:
        wrong = f"model {min(strangers)} is not a model from outside that was measured on {experiment.dataset}"
        raise Rejected(wrong, field="also")
    runs = list(experiment.runs.all())
    if all(run.loss in BASELINES for run in runs):
        raise Rejected(f"{experiment.name} trains no loss, so there is nothing to compare")
    if not any(run.metrics for run in runs):
        raise Conflict(f"no run of {experiment.name} is finished yet; a report needs one")
    payload = {"experiment": experiment.pk, "also": sorted(set(also))}
    before = latest_job(experiment)
    with transaction.atomic():
        job = jobs.submit("report", payload, by=by, key=_key(experiment))
        if job != before:  # else that one is still queued
            audit.record(by, "make-report", experiment.name, experiment=experiment.pk, job=job.pk)
    return job


def _key(experiment: Experiment) -> str:
    return f"report:{experiment.pk}"


def latest_job(experiment: Experiment) -> Job | None:
    """Return the job that last made the report, or is making it."""
    return Job.objects.filter(kind="report", key=_key(experiment)).first()


def run_report_job(context: JobContext, experiment: int, also: Sequence[int] = ()) -> dict[str, Any]:
    """Compare the finished runs of an experiment and store what came out. Safe to run again."""
    row = Experiment.objects.select_related("dataset").get(pk=experiment)
    path = f"reports/job-{context.job_id}"
    out = Path(settings.MEDIA_ROOT) / path
    if not Report.objects.filter(path=path).exists():
        shutil.rmtree(out, ignore_errors=True)  # of an attempt that died, or of another database
        _make_in_child(context, row, list(outside_models(row).filter(pk__in=also)), out)
        context.check()
        _store(row, path)
    document = read_json(out / "report.json")
    return {"experiment": row.pk, "rows": len(document["rows"])}


def _make_in_child(context: JobContext, experiment: Experiment, also: Sequence[Model], out: Path) -> None:
    listed = context.scratch / "cells.json"
    write_json(listed, places_of(experiment))
    command = [sys.executable, "-m", "mlcore", "report", str(listed), "--events", "jsonl", "--child"]
    command += ["--data", str(experiment.dataset.folder), "--out", str(out)]
    command += ["--external", *(str(model.folder) for model in also)] if also else []

    def hear(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            context.progress(event["phase"], event["done"], event["total"])

    run_child(command, on_event=hear, should_stop=context.should_stop, cwd=settings.BASE_DIR)


@transaction.atomic
def _store(experiment: Experiment, path: str) -> None:
    before = Report.objects.select_for_update().filter(experiment=experiment).first()
    Report.objects.update_or_create(experiment=experiment, defaults={"path": path, "made_at": timezone.now()})
    if before is not None:
        transaction.on_commit(partial(shutil.rmtree, before.folder, ignore_errors=True))


def places_of(experiment: Experiment) -> dict[str, Any]:
    """Return what `python -m mlcore report` reads: the comparison, where its finished runs lie, why others are not.

    Raises:
        JobFailed: no run is finished.
    """
    comparison = comparison_of(experiment)
    runs = {cell_of(run): run for run in experiment.runs.select_related("job", "model")}
    done = {cell: run.model.folder for cell, run in runs.items() if run.metrics is not None}
    if not done:
        raise JobFailed(f"no run of {experiment.name} is finished yet; a report needs one")
    rows: dict[Cell, Run | Tuning] = {**runs, **_still_tuning(experiment, comparison, runs)}
    failed = {cell.name: _why(row) for cell, row in rows.items() if row.state in ("failed", "cancelled")}
    about = {"name": experiment.dataset.name, "fingerprint": experiment.dataset.fingerprint}
    return {
        "plan": plan_of(comparison, about, _weights_sha256(experiment, next(iter(done.values())))),
        "cells": {cell.name: str(folder) for cell, folder in done.items()},
        "failed": failed,
        "missing": [cell.name for cell in rows if cell not in done and cell.name not in failed],
        "tuning": {row.loss: row.trials for row in experiment.tunings.all() if row.done},
    }


def _still_tuning(experiment: Experiment, comparison: Comparison, runs: Container[Cell]) -> dict[Cell, Run | Tuning]:
    """Return the tuned cells that have no run yet, each with the tuning that it waits for."""
    tunings = {row.loss: row for row in experiment.tunings.select_related("job", "experiment")}
    return {cell: tunings[cell.loss] for cell in comparison.cells() if cell.tuned and cell not in runs}


def comparison_of(experiment: Experiment) -> Comparison:
    """Return an experiment as the comparison that it is."""
    trained = [run for run in experiment.runs.all() if run.loss not in BASELINES and not run.tuned]
    return Comparison(
        name=experiment.name,
        protocol=Protocol.from_json(experiment.protocol),
        losses={run.loss: run.params for run in trained},
        seeds=tuple(sorted({run.seed for run in trained})),
        tuning=Budget(**experiment.tuning) if experiment.tuning else None,
    )


def cell_of(run: Run) -> Cell:
    """Return which cell of its comparison a run is."""
    return Cell(run.loss, run.seed, run.fold, run.tuned)


def _why(row: Run | Tuning) -> str:
    why = (row.job.error if row.job else "") or row.state
    return f"its tuning: {why}" if isinstance(row, Tuning) else why


def _weights_sha256(experiment: Experiment, run: Path) -> str:
    """Return the checksum of the local weights that every run began with; a run's folder remembers it."""
    if not experiment.weights:
        return ""
    return str(read_json(run / "model.json")["embedder"]["backbone"]["weights_sha256"])


def document_of(experiment: Experiment) -> dict[str, Any] | None:
    """Return the report of an experiment as plain values; None when there is none."""
    report = Report.objects.filter(experiment=experiment).first()
    try:
        return read_json(report.folder / "report.json") if report else None
    except FileNotFoundError:  # somebody cleared the media folder
        return None


def file_of(experiment: Experiment, suffix: str) -> Path | None:
    """Return the file of the report in one of FORMATS; None when there is none."""
    report = Report.objects.filter(experiment=experiment).first()
    file = report.folder / f"report.{suffix}" if report and suffix in FORMATS else None
    return file if file and file.is_file() else None


def finished_since(experiment: Experiment, document: dict[str, Any]) -> int:
    """Return how many runs are finished that a report does not have."""
    return sum(run.metrics is not None and cell_of(run).name not in document["cells"] for run in experiment.runs.all())


def is_readable(document: dict[str, Any]) -> bool:
    """Say whether a report is of the present format; the files of an older one can still be kept."""
    return document.get("format") == FORMAT


def page_values(document: dict[str, Any]) -> dict[str, Any]:
    """Return a readable report's document with what a page says of it: notes, names, the matrix, values as text."""
    titles, rows = loss_titles(), {row["name"]: row["title"] for row in document["rows"]}
    losses = document["comparison"]["losses"]
    return {
        **document,
        "notes": notes_of(document),
        "figure_names": [title_of(figure) for figure in document["figures"]],
        "matrix": matrix_of(document),
        "headline": HEADLINE,
        "headline_title": title_of(HEADLINE),
        "headline_pairs": len(document["pairs"][HEADLINE]),
        "tuning": [
            {**found, "title": titles.get(loss, loss), "found": tuned_values(found["best"])}
            for loss, found in document["tuning"].items()
        ],
        "losses": [(titles.get(loss, loss), parameters(params)) for loss, params in losses.items()],
        "curves": [(rows[name], curve) for name, curve in document["curves"].items()],
        "diagnostics": _diagnostics(document),
    }


def _diagnostics(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return why rows earn what they earn, each row's numbers as text in the order of the meanings."""
    found = document.get("diagnostics")
    if not found:
        return None
    meanings = {
        name: found["meanings"][name] for name in DIAGNOSTICS if name in found["meanings"]
    }  # in the table's order
    lines = [
        (
            row["title"],
            [value_text(found["rows"][row["name"]].get(name), meanings[name]["kind"]) for name in meanings],
        )
        for row in document["rows"]
    ]
    return {**found, "meanings": list(meanings.values()), "rows": lines}
