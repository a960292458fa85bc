"""Training curves of runs, as plain values for charts."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict

from jobs.models import Job
from mlcore.evaluation.metric_table import Figure
from retrieval.models import Experiment, Run
from retrieval.registry.services.diagnostics import summary_figures
from retrieval.registry.services.legend import color_of, run_title

Curve = list[tuple[int, float]]
"""A value for each epoch that has one."""


class RunCurves(TypedDict):
    """The curves of a run.

    recall: Recall@1 of the validation classes in percent, if these select the epoch; held-out classes are measured
    once, after the last epoch. speed: pictures per second.
    """

    title: str
    color: int
    state: str
    loss: Curve
    recall: Curve
    speed: Curve


class Curves(TypedDict):
    """active: whether a run is queued or running. runs: those that have finished an epoch."""

    active: bool
    runs: list[RunCurves]


class EpochRow(TypedDict):
    """A row of the table of epochs."""

    epoch: int
    loss: float | None
    metrics: list[Figure]
    speed: float | None
    seconds: float | None
    warnings: list[str]


def curves_of(runs: Iterable[Run]) -> Curves:
    """Return the curves of runs, in their order."""
    runs = list(runs)
    several = len({run.experiment_id for run in runs}) > 1
    return {
        "active": any(run.state in Job.ACTIVE for run in runs),
        "runs": [
            {
                "title": run_title(run, of_several=several),
                "color": color_of(place),
                "state": run.state,
                "loss": _curve(run, _loss),
                "recall": _curve(run, _recall),
                "speed": _curve(run, _speed),
            }
            for place, run in enumerate(runs)
            if run.history
        ],
    }


def _curve(run: Run, read: Callable[[Mapping[str, Any]], float | None]) -> Curve:
    points = ((event["epoch"], read(event)) for event in run.history)
    return [(epoch, value) for epoch, value in points if value is not None]


def _loss(event: Mapping[str, Any]) -> float | None:
    return event.get("loss")


def _recall(event: Mapping[str, Any]) -> float | None:
    validation = event.get("validation")
    return validation and 100 * validation["recall_at"]["1"]


def _speed(event: Mapping[str, Any]) -> float | None:
    return event.get("images_per_second")


def epoch_rows(run: Run) -> list[EpochRow]:
    """Return the epochs of a run as rows of a table, newest first."""
    return [
        {
            "epoch": event["epoch"],
            "loss": _loss(event),
            "metrics": summary_figures(event.get("validation")),
            "speed": _speed(event),
            "seconds": event.get("seconds"),
            "warnings": event.get("warnings", []),
        }
        for event in reversed(run.history)
    ]


def running_of(experiment: Experiment) -> Run | None:
    """Return the run of an experiment that is being trained."""
    rows = experiment.runs.select_related("job", "experiment")
    return rows.filter(job__state=Job.State.RUNNING, metrics__isnull=True).first()
