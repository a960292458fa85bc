"""Reports of experiments: a child process writes the files, and the newest report is kept."""

import re
import sys
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify

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
from mlcore.comparison.report.document import current_format
from mlcore.comparison.report.formatting import (
    applies_text,
    bibtex_entry,
    matrix_of,
    metrics_markdown,
    notes_of,
    parameters,
    points_text,
    significance_text,
    to_best_of,
)
from mlcore.comparison.report.further_tables import further_tables
from mlcore.comparison.report.tuning_section import (
    CURVE_TEXT,
    best_of_n_texts,
    range_texts,
    shown_numbers,
    tuned_values,
    tuning_text,
)
from mlcore.comparison.workspace import plan_of
from mlcore.config import Protocol
from mlcore.evaluation.metric_table import DIAGNOSTICS, HEADLINE, title_of, value_text
from mlcore.losses import stored_params
from mlcore.runs import BASELINES
from retrieval.datasets.services.catalogue import catalogue_with_pictures
from retrieval.models import Experiment, Model, Report, Run, Tuning
from retrieval.registry.services.legend import loss_titles
from storage.store import place_of, store
from storage.transfers import discard

FORMATS = {"html": "text/html", "md": "text/markdown", "tex": "application/x-tex", "csv": "text/csv"}
FORMATS |= {"json": "application/json"}
CHARTS = {"svg": "image/svg+xml", "png": "image/png"}
"""The chart of the report, for a slide."""

FILES: Mapping[str, str] = FORMATS | CHARTS
VIEW_BOX = re.compile(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"')


class Sources(TypedDict):
    """What `python -m mlcore report` reads. cells: folders of the finished runs; failed: reasons, by cell."""

    plan: Mapping[str, object]
    cells: dict[str, str]
    failed: dict[str, str]
    missing: list[str]
    tuning: dict[str, Any]


def external_models(experiment: Experiment) -> QuerySet[Model]:
    """Return the external models that were evaluated on the same data set and may be rows of a report."""
    return Model.objects.filter(run=None, dataset=experiment.dataset_id, measured__isnull=False)


def submit_report(experiment: Experiment, *, included: Collection[int] = (), by: User | None) -> Job:
    """Queue the job that creates the report; one is queued at a time. included: keys of `external_models`.

    Raises:
        Conflict: none of its runs is finished.
        Rejected: it trains no loss, or a model to include is no such external model.
    """
    others = set(included) - set(external_models(experiment).values_list("pk", flat=True))
    if others:
        raise Rejected(
            f"model {min(others)} is no external model evaluated on {experiment.dataset}; leave it out",
            field="external_models",
        )
    runs = list(experiment.runs.all())
    if all(run.loss in BASELINES for run in runs):
        raise Rejected(f"{experiment.name} trains no loss, so there is nothing to compare; start one with a loss")
    if not any(run.metrics for run in runs):
        raise Conflict(f"no run of {experiment.name} is finished yet; a report needs one")
    payload = {"experiment": experiment.pk, "external_models": sorted(set(included))}
    before = latest_job(experiment)
    with transaction.atomic():
        job = jobs.submit("report", payload, by=by, key=_key(experiment))
        if job != before:  # else that one is still queued
            audit.record(by, "make-report", experiment.name, experiment=experiment.pk, job=job.pk)
    return job


def _key(experiment: Experiment) -> str:
    return f"report:{experiment.pk}"


def latest_job(experiment: Experiment) -> Job | None:
    """Return the newest job that creates, or created, the report."""
    return Job.objects.filter(kind="report", key=_key(experiment)).first()


def included_in(job: Job | None) -> list[int]:
    """Return the keys of the external models that a report's job includes; release 0.1 called them `also`."""
    payload = job.payload if job else {}
    return list(payload.get("external_models", payload.get("also", ())))


def run_report_job(
    context: JobContext, experiment: int, external_models: Sequence[int] = (), also: Sequence[int] = ()
) -> dict[str, int]:
    """Compare the finished runs of an experiment and store the report. Safe to run again.

    also: the name of external_models in jobs of release 0.1.
    """
    row = Experiment.objects.select_related("dataset").get(pk=experiment)
    path = f"reports/job-{context.job_id}"
    if not Report.objects.filter(path=path).exists():
        store().delete(path)  # left by a dead attempt, or by another database
        _make_in_child(context, row, _models(row, {*external_models, *also}), place_of(path))
        context.check()
        store().put(path)
        context.beat()
        context.check()
        _store(row, path)
    document = read_json(store().local_copy(path) / "report.json")
    return {"experiment": row.pk, "rows": len(document["rows"])}


def _models(experiment: Experiment, keys: Collection[int]) -> list[Model]:
    return list(external_models(experiment).filter(pk__in=keys))


def _make_in_child(context: JobContext, experiment: Experiment, included: Sequence[Model], out: Path) -> None:
    listed = context.scratch / "cells.json"
    experiment.dataset, _ = catalogue_with_pictures(experiment.dataset_id, context.progress)
    write_json(listed, sources_of(experiment))
    command = [sys.executable, "-m", "mlcore", "report", str(listed), "--events", "jsonl", "--child"]
    command += ["--data", str(experiment.dataset.folder), "--out", str(out)]
    command += ["--external", *(str(model.folder) for model in included)] if included else []
    run_child(command, on_event=context.hear_progress, should_stop=context.should_stop, cwd=settings.BASE_DIR)


@transaction.atomic
def _store(experiment: Experiment, path: str) -> None:
    before = Report.objects.select_for_update().filter(experiment=experiment).first()
    Report.objects.update_or_create(experiment=experiment, defaults={"path": path, "made_at": timezone.now()})
    if before is not None and before.path != path:
        transaction.on_commit(partial(discard, before.path))


def sources_of(experiment: Experiment) -> Sources:
    """Return the plan, the folders of finished runs, and the reasons why others failed.

    Raises:
        JobFailed: no run is finished.
    """
    comparison = comparison_of(experiment)
    runs = {cell_of(run): run for run in experiment.runs.select_related("job", "model")}
    finished = {cell: run.model.folder for cell, run in runs.items() if run.metrics is not None}
    if not finished:
        raise JobFailed(f"no run of {experiment.name} is finished yet; a report needs one")
    rows: dict[Cell, Run | Tuning] = {**runs, **_still_tuning(experiment, comparison, runs)}
    failed = {cell.name: _why(row) for cell, row in rows.items() if row.state in ("failed", "cancelled")}
    about = {"name": experiment.dataset.name, "fingerprint": experiment.dataset.fingerprint}
    return {
        "plan": plan_of(comparison, about, _weights_sha256(experiment, next(iter(finished.values())))),
        "cells": {cell.name: str(folder) for cell, folder in finished.items()},
        "failed": failed,
        "missing": [cell.name for cell in rows if cell not in finished and cell.name not in failed],
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
        tuning=Budget.from_json(experiment.tuning) if experiment.tuning else None,
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


def document_of(experiment: Experiment) -> Mapping[str, Any] | None:
    """Return the report of an experiment as plain values; None without one.

    Keys are those of the present format, unless the report is too old for `is_readable`.
    """
    report = Report.objects.filter(experiment=experiment).first()
    try:
        stored: Mapping[str, Any] | None = read_json(report.folder / "report.json") if report else None
    except FileNotFoundError:  # somebody deleted it from the media folder
        return None
    return stored and (current_format(stored) or stored)


def file_of(experiment: Experiment, suffix: str) -> Path | None:
    """Return the file of the report in one of FILES; None when there is none."""
    return _file_named(experiment, f"report.{suffix}") if suffix in FILES else None


def drawing_of(experiment: Experiment, name: str) -> Path | None:
    """Return the file of a drawing of the report, one of `drawings_of`; None when there is none."""
    return _file_named(experiment, f"drawing-{name}.svg")


def _file_named(experiment: Experiment, name: str) -> Path | None:
    report = Report.objects.filter(experiment=experiment).first()
    file = report.folder / name if report else None
    return file if file and file.is_file() else None


@dataclass(frozen=True)
class Drawing:
    """A drawing of a table of the report's page: the table's name, and the size in points."""

    name: str
    width: int
    height: int


def drawings_of(experiment: Experiment) -> list[Drawing]:
    """Return the report's drawings; reports of earlier versions have none."""
    report = Report.objects.filter(experiment=experiment).first()
    drawings = []
    for file in sorted(report.folder.glob("drawing-*.svg") if report else ()):
        with file.open() as svg:
            size = VIEW_BOX.search(svg.read(1000))
        if size is not None:
            drawings.append(Drawing(file.stem.removeprefix("drawing-"), round(float(size[1])), round(float(size[2]))))
    return drawings


def formats_of(experiment: Experiment, among: Iterable[str]) -> list[str]:
    """Return which of these formats the report is stored in; those of earlier versions have no chart."""
    return [suffix for suffix in among if file_of(experiment, suffix) is not None]


def bibtex_of(experiment: Experiment, url: str) -> str:
    """Return a BibTeX entry of the report of an experiment that has one, found at an address."""
    made = Report.objects.get(experiment=experiment).made_at.date()
    return bibtex_entry(
        f"kindred-{slugify(experiment.name) or experiment.pk}-{made.year}",
        title=f"{experiment.name}: losses compared on {experiment.dataset.name}",
        url=url,
        day=made,
        note=f"Report of protocol {experiment.protocol['name']}, held-out classes, exact search",
    )


def download_name(experiment: Experiment, suffix: str) -> str:
    """Return the name of a downloaded file of the report."""
    return f"{slugify(experiment.name) or 'report'}.{suffix}"


def finished_since(experiment: Experiment, document: Mapping[str, Any]) -> int:
    """Return the number of finished runs that a report does not include."""
    return sum(run.metrics is not None and cell_of(run).name not in document["cells"] for run in experiment.runs.all())


def is_readable(document: Mapping[str, Any]) -> bool:
    """Return whether pages can show a report; the files of an older one can still be downloaded."""
    return current_format(document) is not None


def page_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a readable report with what its page adds: notes, titles, the matrix of tests, values as text."""
    titles, rows = loss_titles(), {row["name"]: row["title"] for row in document["rows"]}
    losses = {loss: stored_params(loss, params) for loss, params in document["comparison"]["losses"].items()}
    return {
        **document,
        "rows": _rows_with_difference(document),
        "notes": notes_of(document),
        "metric_titles": [title_of(metric) for metric in document["metrics"]],
        "matrix": matrix_of(document),
        "significance_text": significance_text(document),
        "markdown": metrics_markdown(document),
        "forest": sorted(document["rows"], key=lambda row: -row["metrics"][HEADLINE]["mean"]),
        "headline": HEADLINE,
        "headline_title": title_of(HEADLINE),
        **_tuning(document, titles),
        "fairness_checks": [
            {**check, "applies": applies_text(check["violated"])} for check in document["fairness_checks"]
        ],
        "losses": [(titles.get(loss, loss), parameters(params)) for loss, params in losses.items()],
        "curves": [(rows[name], curve) for name, curve in document["curves"].items()],
        "validation_curves": [(rows[name], curve) for name, curve in document.get("validation_curves", {}).items()],
        "diagnostics": _diagnostics(document),
        "further_tables": further_tables(document),
    }


def _tuning(document: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, Any]:
    """Return the tunings with titles and values as text, what they all share in sentences, and the table's columns."""
    found = document["tuning"]
    numbers = shown_numbers(found)
    return {
        "tuning": [
            {
                **tuning,
                "title": titles.get(loss, loss),
                "parameters": tuned_values(tuning["best"]),
                "best_of_n": best_of_n_texts(tuning, numbers),
                "range_rows": range_texts(tuning),
            }
            for loss, tuning in found.items()
        ],
        "tuning_text": tuning_text(document["comparison"]) if found else "",
        "numbers_of_trials": numbers,
        "curve_text": CURVE_TEXT,
    }


def _rows_with_difference(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows, each with its difference to the best and its interval as text, `to_best`; "" of the best."""
    to_best = {name: points_text(cell) for name, cell in to_best_of(document).items()}
    return [{**row, "to_best": to_best.get(row["name"], "")} for row in document["rows"]]


def _diagnostics(document: Mapping[str, Any]) -> Mapping[str, object] | None:
    """Return the diagnostics, each row's numbers as text in the order of the meanings."""
    diagnostics = document.get("diagnostics")
    if not diagnostics:
        return None
    meanings = {
        name: diagnostics["meanings"][name] for name in DIAGNOSTICS if name in diagnostics["meanings"]
    }  # in the table's order
    lines = [
        (
            row["title"],
            [value_text(diagnostics["rows"][row["name"]].get(name), meanings[name]["scale"]) for name in meanings],
        )
        for row in document["rows"]
    ]
    return {**diagnostics, "meanings": list(meanings.values()), "rows": lines}
