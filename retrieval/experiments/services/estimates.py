"""Estimated time of experiments, from earlier runs or else from a short trial run."""

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, TypedDict

from django.conf import settings

from accounts.models import User
from config import places
from config.errors import Conflict
from jobs import services as jobs
from jobs.children import run_child
from jobs.context import JobContext
from jobs.models import Job
from mlcore.artifacts import read_json, write_json
from mlcore.comparison.plan import Tuning as Budget
from mlcore.config import Protocol
from mlcore.errors import MlcoreError
from mlcore.runs import BASELINES
from mlcore.training.estimate import StepTimes, step_times_file
from retrieval.datasets.services.catalogue import catalogue_with_pictures
from retrieval.experiments.services.weights import weights_place
from retrieval.models import Dataset, Experiment, Run

EARLIER_RUNS = 20  # of a loss, the newest


class Estimate(TypedDict):
    """Estimated seconds of all runs, one after the other.

    each: seconds per run, by loss. source: earlier runs, measured or both. A tuning trial counts as a run
    of its loss for each of its folds.
    """

    seconds: float
    runs: int
    each: dict[str, float]
    source: str


class Time(TypedDict):
    """Time of an experiment in seconds.

    estimated: None if it was not estimated. taken: so far. finished: whether no run is left.
    """

    estimated: float | None
    source: str | None
    taken: float
    finished: bool


def estimate_of(
    dataset: Dataset,
    protocol: Protocol,
    losses: Sequence[str],
    *,
    seeds: int = 1,
    tuning: Budget | None = None,
    weights: str = "",
) -> Estimate | None:
    """Return the estimate of an experiment; None before a trial run. seeds: their number."""
    each = {loss: took for loss in losses if (took := _took_earlier(dataset, protocol, loss, weights)) is not None}
    new = [loss for loss in losses if loss not in each]
    source = "both" if each and new else "measured" if new else "earlier runs"
    once = 0.0
    if new:
        rates = _rates(dataset, protocol, weights)
        if rates is None:
            return None
        each |= {loss: rates.of_run(protocol, loss) for loss in new}
        once = rates.once(protocol, new, places.cache())
    trained = seeds * max(1, protocol.folds) + (tuning.runs if tuning else 0)
    counts = {loss: 1 if loss in BASELINES else trained for loss in losses}
    return {
        "seconds": round(once + sum(each[loss] * count for loss, count in counts.items()), 1),
        "runs": sum(counts.values()),
        "each": {loss: round(each[loss], 1) for loss in losses},
        "source": source,
    }


def _took_earlier(dataset: Dataset, protocol: Protocol, loss: str, weights: str) -> float | None:
    """Return the median seconds of finished runs of the same protocol, data set and loss; None without any."""
    runs = Run.objects.filter(experiment__dataset=dataset, experiment__weights=weights, loss=loss, changes={})
    finished = runs.filter(metrics__isnull=False, job__state=Job.State.SUCCEEDED, job__attempt=1)
    same = [run for run in _newest(finished) if _identity(run.experiment.protocol) == _identity(protocol.to_json())]
    took = [seconds for run in same if (seconds := seconds_taken(run)) is not None]
    return median(took) if took else None


def _newest(runs: Any) -> list[Run]:
    return list(runs.select_related("job", "experiment").order_by("-pk")[:EARLIER_RUNS])


def _identity(protocol: Mapping[str, Any]) -> Mapping[str, object]:
    return {name: value for name, value in Protocol.from_json(protocol).identity().items() if name != "name"}


def seconds_taken(run: Run) -> float | None:
    """Return the seconds that a finished run and its index took; None if their jobs were deleted."""
    if run.metrics is None or run.job is None or run.job.result is None:
        return None
    index = Job.objects.filter(pk=run.job.result.get("index_job"), state=Job.State.SUCCEEDED).first()
    spans = [job.finished_at - job.started_at for job in (run.job, index) if job and job.finished_at and job.started_at]
    return sum(spans, timedelta()).total_seconds() if len(spans) == 2 else None


def time_of(experiment: Experiment) -> Time:
    """Return the estimated and the elapsed time of an experiment."""
    runs = list(experiment.runs.select_related("job"))
    taken = [seconds for run in runs if (seconds := seconds_taken(run)) is not None]
    tunings = [row.job for row in experiment.tunings.select_related("job") if row.job]
    spans = [job.finished_at - job.started_at for job in tunings if job.started_at and job.finished_at]
    return {
        "estimated": experiment.estimate and experiment.estimate["seconds"],
        "source": experiment.estimate and experiment.estimate["source"],
        "taken": sum(taken) + sum(spans, timedelta()).total_seconds(),
        "finished": bool(runs) and len(taken) == len(runs),
    }


def _rates(dataset: Dataset, protocol: Protocol, weights: str) -> StepTimes | None:
    """Return what was measured on this host, else on the host of the newest trial run."""
    file = _file(dataset, protocol, weights)
    try:
        if file.exists():
            return StepTimes.from_json(read_json(file))
        probe = probe_of(dataset, protocol, weights=weights)
        return StepTimes.from_json(((probe and probe.result) or {})["step_times"])
    except (OSError, ValueError, KeyError, MlcoreError):  # not measured yet, or by another version
        return None


def _file(dataset: Dataset, protocol: Protocol, weights: str) -> Path:
    return step_times_file(places.cache(), dataset.fingerprint, protocol, weights)


def probe_of(dataset: Dataset, protocol: Protocol, *, weights: str = "") -> Job | None:
    """Return the newest job that measures, or measured, the speed of a protocol on a data set."""
    return Job.objects.filter(kind="estimate", key=_key(dataset, protocol, weights)).first()


def submit_probe(dataset: Dataset, protocol: Protocol, *, weights: str = "", by: User | None) -> Job:
    """Queue the trial run of a protocol on a data set, or return the job that is doing it.

    Raises:
        Conflict: the data set is not imported.
    """
    if not dataset.is_ready:
        raise Conflict(f"{dataset.name} is not imported yet; wait for its job")
    payload = {"dataset": dataset.pk, "protocol": protocol.to_json(), "weights": weights}
    return jobs.submit("estimate", payload, by=by, key=_key(dataset, protocol, weights))


def _key(dataset: Dataset, protocol: Protocol, weights: str) -> str:
    # By the revision, not by its fingerprint: that is empty until a job has read it, perhaps this one.
    measured = step_times_file(places.cache(), f"{dataset.pk}, revision {dataset.revision}", protocol, weights)
    return f"estimate:{measured.stem}"


def run_estimate_job(context: JobContext, dataset: int, protocol: dict[str, Any], weights: str) -> dict[str, Any]:
    """Measure the speed in a child process, which stores it in the cache folder; return it. Safe to run again."""
    row, _ = catalogue_with_pictures(dataset, context.progress)
    file = context.scratch / "protocol.json"
    write_json(file, protocol)
    command = [sys.executable, "-m", "mlcore", "estimate", "--events", "jsonl", "--child", "--data", str(row.folder)]
    command += ["--cache", str(places.cache()), "--protocol", str(file)]
    if weights:
        command += ["--weights", str(weights_place(weights))]
    run_child(command, on_event=context.hear_progress, should_stop=context.should_stop, cwd=settings.BASE_DIR)
    measured = _file(row, Protocol.from_json(protocol), weights)
    return {"dataset": dataset, "step_times": read_json(measured)}
