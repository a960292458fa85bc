"""Titles of losses, runs and models."""

from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES
from retrieval.models import Run


def loss_titles() -> dict[str, str]:
    """Return the title of every loss and baseline by name."""
    return {name: spec.title for name, spec in LOSSES.items()} | BASELINE_TITLES


def run_title(run: Run, *, of_several: bool = False) -> str:
    """Return the title of a run: loss, seed and fold; and the experiment where runs are `of_several`."""
    notes = ["tuned"] if run.tuned else []
    notes += [f"seed {run.seed}"] + ([] if run.fold is None else [f"fold {run.fold}"])
    title = f"{loss_titles().get(run.loss, run.loss)} ({', '.join(notes)})"
    return f"{run.experiment.name}: {title}" if of_several else title


def model_name(run: Run) -> str:
    """Return the name of a run's model; with seed and fold where there are several."""
    title = loss_titles().get(run.loss, run.loss)
    runs = run.experiment.runs.filter(loss=run.loss)
    notes = ["tuned"] if run.tuned else []
    notes += [f"seed {run.seed}"] if runs.exclude(seed=run.seed).exists() else []
    notes += [] if run.fold is None else [f"fold {run.fold}"]
    return f"{title} ({', '.join(notes)})" if notes else title
