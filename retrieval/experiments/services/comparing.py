"""Comparisons of runs: metrics, differences of their protocols, and statistical tests."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from accounts.models import User
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.comparison.significance import ONE_SEED, compare_rows
from mlcore.config import Protocol
from mlcore.errors import MlcoreError
from mlcore.evaluation.evaluate import PER_QUERY, StoredScores, read_per_query
from mlcore.evaluation.metric_table import paired_test_metrics, title_of
from mlcore.losses import LOSSES
from mlcore.runs import BASELINES
from retrieval.experiments.services import field_titles
from retrieval.models import Run
from retrieval.registry.services.diagnostics import MetricRow, metric_rows
from retrieval.registry.services.legend import run_title

FEWEST, MOST = 2, 12


class MetricValues(TypedDict):
    """A metric with its value in each run; None where a run does not have it."""

    name: str
    cells: list[MetricRow | None]


class ProtocolField(TypedDict):
    """A field with its value in each run, and whether these differ."""

    name: str
    values: list[object]
    differs: bool


class RunComparison(TypedDict):
    """Runs side by side. protocol: all fields, those that differ first; differing: their names."""

    titles: list[str]
    metrics: list[MetricValues]
    protocol: list[ProtocolField]
    differing: list[str]
    warnings: list[str]


class TestedPair(TypedDict):
    """The test of `first` against `second`: keys of runs, or their titles. Fields as of `significance.Pair`.

    low and high are None in results of earlier tests.
    """

    first: str | int
    second: str | int
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    seeds: int
    conclusion: str


class PairedTest(TypedDict):
    """The tests of one metric between every two runs. is_old: an earlier release made them, without intervals."""

    metric: str
    title: str
    queries: int
    classes: int
    pairs: list[TestedPair]
    is_old: bool


class TestResult(TypedDict):
    """What a job of tests stores. pairs: by metric, as of `Pair.to_json`; first and second are keys of runs as text.

    Pairs of earlier releases have other keys, see `_named`.
    """

    queries: int
    classes: int
    pairs: dict[str, list[dict[str, Any]]]


def compared(runs: Sequence[Run]) -> RunComparison:
    """Return runs side by side.

    Raises:
        Rejected: too few or too many.
    """
    if not FEWEST <= len(runs) <= MOST:
        raise Rejected(f"Select {FEWEST} to {MOST} runs to compare; you selected {len(runs)}.")
    several = len({run.experiment_id for run in runs}) > 1
    protocol = _protocol_fields(runs)
    return {
        "titles": [run_title(run, of_several=several) for run in runs],
        "metrics": _metric_values(runs),
        "protocol": protocol,
        "differing": [row["name"] for row in protocol if row["differs"]],
        "warnings": _warnings(runs, protocol),
    }


def _metric_values(runs: Sequence[Run]) -> list[MetricValues]:
    by_run = [{row["name"]: row for row in metric_rows(run.metrics)} if run.metrics else {} for run in runs]
    names = dict.fromkeys(name for rows in by_run for name in rows)
    return [{"name": name, "cells": [rows.get(name) for rows in by_run]} for name in names]


def _protocol_fields(runs: Sequence[Run]) -> list[ProtocolField]:
    """Return data set, protocol, loss parameters, seed and fold of each run, those that differ first."""
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
    rows = [_protocol_field(name, [column.get(name, "–") for column in columns]) for name in names]
    return sorted(rows, key=lambda row: not row["differs"])


def _protocol_field(name: str, values: list[object]) -> ProtocolField:
    return {"name": name, "values": values, "differs": len({str(value) for value in values}) > 1}


def _warnings(runs: Sequence[Run], protocol: Sequence[ProtocolField]) -> list[str]:
    """Return why the comparison is unfair, or no comparison of losses at all."""
    free = {"name", "loss", "parameters", "seed", "fold", "data set"}
    differing = [row["name"] for row in protocol if row["differs"] and row["name"] not in free]
    warnings = []
    if len({run.experiment.dataset_id for run in runs}) > 1:
        warnings.append("The runs use different data sets, so their metrics cannot be compared.")
    if differing:
        titles = ", ".join(map(field_titles.title_of, differing))
        warnings.append(
            f"The protocols differ in {titles}, so this is not a comparison of losses. Compare runs of one protocol "
            "to see the effect of the loss alone."
        )
    if any(run.tuned for run in runs) and any(not run.tuned and run.loss in LOSSES for run in runs):
        warnings.append("Some runs are tuned and others are not.")
    if len({run.fold for run in runs if run.loss in LOSSES}) > 1:
        warnings.append("The runs hold out different folds, so their training classes differ.")
    return warnings


def test_of(runs: Sequence[Run]) -> Job | None:
    """Return the newest job that tests, or tested, the differences between these runs."""
    return Job.objects.filter(kind="compare", key=_key(runs)).first()


def _key(runs: Sequence[Run]) -> str:
    return f"compare:{','.join(str(pk) for pk in sorted(run.pk for run in runs))}"


def submit_test(runs: Sequence[Run], *, by: User | None) -> Job:
    """Queue the paired tests of every two of these runs, or return the job that is doing so.

    Raises:
        Rejected: they cannot be tested against each other.
    """
    compared(runs)
    scores_of(runs)
    return jobs.submit("compare", {"runs": sorted(run.pk for run in runs)}, by=by, key=_key(runs))


def scores_of(runs: Sequence[Run]) -> dict[int, StoredScores]:
    """Return the metrics of each query, by run.

    Raises:
        Conflict: a run has no scores.
        Rejected: the runs were not evaluated on the same queries.
    """
    scores: dict[int, StoredScores] = {}
    for run in runs:
        model = getattr(run, "model", None)
        if run.metrics is None or model is None:
            raise Conflict(f"{run_title(run)} has no metrics yet; wait until it is finished.")
        try:
            scores[run.pk] = read_per_query(model.folder_with(PER_QUERY))
        except MlcoreError:
            raise Conflict(f"The scores of each query of {run_title(run)} are missing; train it again.") from None
    first = scores[runs[0].pk]
    for run in runs[1:]:
        if run.experiment.dataset_id != runs[0].experiment.dataset_id:
            raise Rejected(
                "The runs use different data sets, but a test needs the same queries; select runs of one data set."
            )
        if scores[run.pk].ids.tolist() != first.ids.tolist():
            raise Rejected(
                f"{run_title(run)} has other queries than {run_title(runs[0])}: the data set has changed between them. "
                "Train the older run again."
            )
    return scores


def run_compare_job(context: JobContext, runs: list[int]) -> TestResult:
    """Compute the difference of every two runs with its interval over queries and classes.

    A run is one training, so it shows no spread between trainings: pairs have no p-value and no conclusion. Runs of
    baselines are not trained, and are tested against each other.
    """
    rows = list(Run.objects.filter(pk__in=runs).select_related("experiment", "model").order_by("pk"))
    if len(rows) != len(runs):
        raise JobFailed("one of the runs was deleted; select the others again")
    try:
        scores = scores_of(rows)
    except Rejected as error:
        raise JobFailed(str(error)) from error
    labels = scores[rows[0].pk].labels
    fixed = [str(row.pk) for row in rows if row.loss in BASELINES]
    pairs: dict[str, list[dict[str, Any]]] = {}
    tested = [name for name in paired_test_metrics() if all(name in one.columns for one in scores.values())]
    for step, metric in enumerate(tested):
        context.progress("compute differences", step, len(tested))
        values = {str(pk): {0: one.columns[metric]} for pk, one in scores.items()}
        pairs[metric] = [pair.to_json() for pair in compare_rows(labels, values, fixed=fixed).pairs]
    return {"queries": len(labels), "classes": len(set(labels.tolist())), "pairs": pairs}


def tests_by_run(job: Job | None) -> list[PairedTest] | None:
    """Return the tests by the keys of the runs, the headline metric first; None where none has succeeded."""
    return _tests(job, int)


def test_rows(runs: Sequence[Run], job: Job | None) -> list[PairedTest] | None:
    """Return the tests by the titles of the runs, for a page; None where none has succeeded."""
    several = len({run.experiment_id for run in runs}) > 1
    titles = {str(run.pk): run_title(run, of_several=several) for run in runs}
    return _tests(job, titles.__getitem__)


def _tests(job: Job | None, named: Callable[[str], str | int]) -> list[PairedTest] | None:
    if job is None or job.state != Job.State.SUCCEEDED or not job.result:
        return None
    result: TestResult = job.result
    return [
        {
            "metric": metric,
            "title": title_of(metric),
            "queries": result["queries"],
            "classes": result["classes"],
            "pairs": [_named(pair, named) for pair in result["pairs"][metric]],
            "is_old": any("holm" in pair for pair in result["pairs"][metric]),
        }
        for metric in paired_test_metrics()
        if metric in result["pairs"]
    ]


def _named(pair: Mapping[str, Any], named: Callable[[str], str | int]) -> TestedPair:
    """Return a stored pair with its runs named.

    Earlier releases stored `holm` and concluded from single runs, release 0.1 under the key `verdict`. These keep the
    difference alone: one training of each loss allows no conclusion.
    """
    is_old = "holm" in pair
    return {
        "first": named(pair["first"]),
        "second": named(pair["second"]),
        "difference": pair["difference"],
        "low": pair.get("low"),
        "high": pair.get("high"),
        "p": None if is_old else pair["p"],
        "p_adjusted": None if is_old else pair["p_adjusted"],
        "seeds": pair["seeds"],
        "conclusion": ONE_SEED if is_old else pair["conclusion"],
    }
