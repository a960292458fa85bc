"""What charts show of runs: epoch by epoch, as plain values."""

from collections.abc import Iterable
from typing import Any

from jobs.models import Job
from retrieval.models import COLORS, Experiment, Run
from retrieval.registry.services.diagnostics import summary_figures
from retrieval.registry.services.loss_titles import loss_titles

CURVES = ("loss", "recall", "speed")


def run_title(run: Run, *, of_several: bool = False) -> str:
    """Return what a run is called beside others: its loss, then what tells it apart; `of_several` experiments."""
    notes = ["tuned"] if run.tuned else []
    notes += [f"seed {run.seed}"] + ([] if run.fold is None else [f"fold {run.fold}"])
    title = f"{loss_titles().get(run.loss, run.loss)} ({', '.join(notes)})"
    return f"{run.experiment.name}: {title}" if of_several else title


def curves_of(runs: Iterable[Run]) -> dict[str, Any]:
    """Return {"active": whether one is at work, "runs": titles, colours and curves}.

    A curve is a list of [epoch, value]. recall: Recall@1 of the validation classes, where these select; the
    test classes are measured once, after the last epoch. speed: pictures a second.
    """
    runs = list(runs)
    several = len({run.experiment_id for run in runs}) > 1
    return {
        "active": any(run.state in Job.ACTIVE for run in runs),
        "runs": [
            {
                "title": run_title(run, of_several=several),
                "color": place % COLORS,
                "state": run.state,
                **{name: _curve(run, name) for name in CURVES},
            }
            for place, run in enumerate(runs)
            if run.history
        ],
    }


def _curve(run: Run, name: str) -> list[list[float]]:
    read = {"loss": _loss, "recall": _recall, "speed": _speed}[name]
    points = ((event["epoch"], read(event)) for event in run.history)
    return [[epoch, value] for epoch, value in points if value is not None]


def _loss(event: dict[str, Any]) -> float | None:
    return event.get("loss")


def _recall(event: dict[str, Any]) -> float | None:
    validation = event.get("validation")
    return validation and 100 * validation["recall_at"]["1"]


def _speed(event: dict[str, Any]) -> float | None:
    return event.get("images_per_second")


def epoch_rows(run: Run) -> list[dict[str, Any]]:
    """Return the curves of a run as rows of a table, the newest epoch first."""
    return [
        {
            "epoch": event["epoch"],
            "loss": _loss(event),
            "figures": summary_figures(event.get("validation")),
            "speed": _speed(event),
            "seconds": event.get("seconds"),
            "warnings": event.get("warnings", []),
        }
        for event in reversed(run.history)
    ]


def run_at_work(experiment: Experiment) -> Run | None:
    """Return the run of an experiment that is being trained."""
    rows = experiment.runs.select_related("job", "experiment")
    return rows.filter(job__state=Job.State.RUNNING, metrics__isnull=True).first()
