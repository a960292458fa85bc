"""Any runs side by side: figures, what their protocols differ in, and whether a difference is real."""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import User
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.comparison.significance import Resampled
from mlcore.config import Protocol
from mlcore.errors import MlcoreError
from mlcore.evaluation.evaluate import StoredScores, read_per_query
from mlcore.evaluation.metric_table import paired_test_metrics, title_of
from mlcore.losses import LOSSES
from retrieval.experiments.services.curves import run_title
from retrieval.models import Run
from retrieval.registry.services.diagnostics import metric_rows

FEWEST, MOST = 2, 12


def compared(runs: Sequence[Run]) -> dict[str, Any]:
    """Return {"titles", "figures", "protocol", "warnings"} of some runs.

    figures: a row each, with a cell of value, low and high for each run. protocol: every field, its value in
    each run, and whether they differ; those that do come first.

    Raises:
        Rejected: too few or too many.
    """
    if not FEWEST <= len(runs) <= MOST:
        raise Rejected(f"Choose {FEWEST} to {MOST} runs to compare; you chose {len(runs)}.")
    several = len({run.experiment_id for run in runs}) > 1
    protocol = _protocol_rows(runs)
    return {
        "titles": [run_title(run, of_several=several) for run in runs],
        "figures": _figure_rows(runs),
        "protocol": protocol,
        "differing": [row["name"] for row in protocol if row["differs"]],
        "warnings": _warnings(runs, protocol),
    }


def _figure_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    found = [{row["name"]: row for row in metric_rows(run.metrics)} if run.metrics else {} for run in runs]
    names = dict.fromkeys(name for rows in found for name in rows)
    return [{"name": name, "cells": [rows.get(name) for rows in found]} for name in names]


def _protocol_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return what each run was trained by: its data set, every field of its protocol, its loss's parameters."""
    columns = [
        {
            "data set": run.experiment.dataset.name,
            "weights file": run.experiment.weights or "–",
            **Protocol.from_json(run.experiment.protocol).to_json(),
            **run.changes,
            "loss": run.loss,
            "parameters": ", ".join(f"{name} {value:g}" for name, value in run.params.items()) or "–",
            "seed": run.seed,
            "fold": "–" if run.fold is None else run.fold,
        }
        for run in runs
    ]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [{"name": name, "values": [column.get(name, "–") for column in columns]} for name in names]
    marked = [{**row, "differs": len({str(value) for value in row["values"]}) > 1} for row in rows]
    return sorted(marked, key=lambda row: not row["differs"])


def _warnings(runs: Sequence[Run], protocol: Sequence[dict[str, Any]]) -> list[str]:
    """Return what makes the comparison unfair, or no comparison of losses at all."""
    free = {"name", "loss", "parameters", "seed", "fold", "data set"}
    differing = [row["name"] for row in protocol if row["differs"] and row["name"] not in free]
    said = []
    if len({run.experiment.dataset_id for run in runs}) > 1:
        said.append("The runs are of different data sets: no figure here compares with another.")
    if differing:
        fields = ", ".join(differing)
        said.append(
            f"The protocols differ in {fields}. This is not a comparison of losses: what you see may be the "
            "work of those fields. Only runs of one protocol differ by their loss alone."
        )
    if any(run.tuned for run in runs) and any(not run.tuned and run.loss in LOSSES for run in runs):
        said.append("Tuned runs stand beside untuned ones, which had no search for their parameters.")
    if len({run.fold for run in runs if run.loss in LOSSES}) > 1:
        said.append("The runs hold out different folds, so they learned from different classes.")
    return said


def test_of(runs: Sequence[Run]) -> Job | None:
    """Return the newest job that tests, or tested, the differences between these runs."""
    return Job.objects.filter(kind="compare", key=_key(runs)).first()


def _key(runs: Sequence[Run]) -> str:
    return f"compare:{','.join(str(pk) for pk in sorted(run.pk for run in runs))}"


def submit_test(runs: Sequence[Run], *, by: User | None) -> Job:
    """Queue the paired test of every two of these runs; what is being tested already is not tested twice.

    Raises:
        Rejected: they cannot be tested against each other; the sentence says why.
    """
    compared(runs)
    scores_of(runs)
    return jobs.submit("compare", {"runs": sorted(run.pk for run in runs)}, by=by, key=_key(runs))


def scores_of(runs: Sequence[Run]) -> dict[int, StoredScores]:
    """Return what each query earned, by run.

    Raises:
        Conflict: a run has no scores.
        Rejected: the runs were not asked the same queries.
    """
    found: dict[int, StoredScores] = {}
    for run in runs:
        model = getattr(run, "model", None)
        if run.metrics is None or model is None:
            raise Conflict(f"{run_title(run)} is not measured yet, so it cannot be tested; wait until it is finished.")
        try:
            found[run.pk] = read_per_query(model.folder)
        except MlcoreError:
            raise Conflict(
                f"The scores of each query of {run_title(run)} are missing, so it cannot be tested; train it again."
            ) from None
    first = found[runs[0].pk]
    for run in runs[1:]:
        if run.experiment.dataset_id != runs[0].experiment.dataset_id:
            raise Rejected("The runs are of different data sets; a paired test needs the same queries asked of both.")
        if found[run.pk].ids.tolist() != first.ids.tolist():
            raise Rejected(
                f"{run_title(run)} was asked other queries than {run_title(runs[0])}: the data set has changed "
                "between them. Train the older again to test them."
            )
    return found


def run_compare_job(context: JobContext, runs: list[int]) -> dict[str, Any]:
    """Test every two runs by the paired bootstrap over classes and their queries, corrected by Holm."""
    rows = list(Run.objects.filter(pk__in=runs).select_related("experiment", "model").order_by("pk"))
    if len(rows) != len(runs):
        raise JobFailed("one of the runs is gone; choose the others again")
    try:
        scores = scores_of(rows)
    except Rejected as error:
        raise JobFailed(str(error)) from error
    labels = scores[rows[0].pk].labels
    result: dict[str, Any] = {"queries": len(labels), "classes": len(set(labels.tolist())), "pairs": {}}
    tested = [name for name in paired_test_metrics() if all(name in found.columns for found in scores.values())]
    for step, figure in enumerate(tested):
        context.progress("test differences", step, len(tested))
        values = {str(pk): {0: found.columns[figure]} for pk, found in scores.items()}
        pairs = Resampled(labels, values).pairs()
        result["pairs"][figure] = [{**vars(pair), "verdict": pair.verdict} for pair in pairs]
    return result


def tests_by_run(job: Job | None) -> list[dict[str, Any]] | None:
    """Return the tests by the keys of the runs, a row for each figure; None where none has succeeded."""
    if job is None or job.state != Job.State.SUCCEEDED or not job.result:
        return None
    counted = {name: job.result[name] for name in ("queries", "classes")}
    return [
        {
            "figure": figure,
            "title": title_of(figure),
            **counted,
            "pairs": [{**pair, "first": int(pair["first"]), "second": int(pair["second"])} for pair in pairs],
        }
        for figure, pairs in _tested(job.result)
    ]


def _tested(result: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the pairs of each figure that a job tested, the headline first."""
    return [(name, result["pairs"][name]) for name in paired_test_metrics() if name in result["pairs"]]


def told_tests(runs: Sequence[Run], job: Job | None) -> dict[str, Any] | None:
    """Return the tests as a page shows them; None where none has succeeded."""
    if job is None or job.state != Job.State.SUCCEEDED or not job.result:
        return None
    several = len({run.experiment_id for run in runs}) > 1
    titles = {str(run.pk): run_title(run, of_several=several) for run in runs}
    tables = [
        {
            "title": title_of(figure),
            "pairs": [{**pair, "first": titles[pair["first"]], "second": titles[pair["second"]]} for pair in pairs],
        }
        for figure, pairs in _tested(job.result)
    ]
    return {**job.result, "tables": tables}
