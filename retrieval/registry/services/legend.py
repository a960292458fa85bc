"""Titles, colours and marks of losses, runs and models: the same on pages, in charts and in files."""

from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES
from retrieval.models import COLORS, Dataset, Model, Run

HEX = ("#0067a8", "#b04a00", "#00785a", "#a8437f", "#8a6100", "#1b7fb5", "#5f6a00", "#3d4348")
"""The colours of the light theme, `--model-0` to `--model-7` in `tokens.css`."""

MARKS = ("o", "s", "^", "D", "P", "o", "v", "s")
"""matplotlib's names of the marks in `site.css`."""

HOLLOW = frozenset({5, 7})
"""Numbers of the marks that are outlines, which tells them from the other circle and square."""


def color_of(position: int) -> int:
    """Return the number of the colour at a position of a list."""
    return position % COLORS


def next_color(dataset: Dataset) -> int:
    """Return the number of the colour of the next model of a data set."""
    return color_of(Model.objects.filter(dataset=dataset).count())


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
