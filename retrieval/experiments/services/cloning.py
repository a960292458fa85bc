"""Experiments after another one: a duplicate, or one that fine-tunes its backbone, as the values of a form."""

from collections.abc import Mapping
from typing import Any

from mlcore.config import PRESETS, Protocol
from mlcore.losses import LOSSES
from retrieval.experiments.services.options import CHANGED, changes_for_few_images
from retrieval.models import Experiment

FROM_WEIGHTS = ("weights", "backbone")  # set by a weights file
FINE_TUNING = "fine-tune-small"


def form_values(experiment: Experiment) -> Mapping[str, object]:
    """Return the values of the form that starts a duplicate, by field."""
    name, tuning = str(experiment.protocol["name"]).removesuffix(CHANGED), experiment.tuning or {}
    preset = name if name in PRESETS else next(iter(PRESETS))
    runs = list(experiment.runs.filter(tuned=False))
    return {
        "name": f"{experiment.name} (copy)"[:120],
        "dataset": experiment.dataset_id,
        "preset": preset,
        "losses": list(dict.fromkeys(run.loss for run in runs)),
        "seeds": " ".join(map(str, sorted({run.seed for run in runs}))),
        "weights": experiment.weights,
        "trials": tuning.get("trials", 0),
        "validation_classes": tuning.get("validation_classes", 0),
        "tuning_folds": tuning.get("folds", 0) if tuning else None,
        "changes": _lines(_changes(experiment, preset)),
        "params": "\n".join(_own_params(runs)),
        "publish": experiment.publish,
    }


def can_be_fine_tuned(experiment: Experiment) -> bool:
    """Return whether an experiment left its pre-trained backbone as it was."""
    protocol = Protocol.from_json(experiment.protocol)
    return protocol.trains == "head" and protocol.weights != "scratch"


def fine_tuning_values(experiment: Experiment) -> Mapping[str, object]:
    """Return the values of the form that trains the backbone as well, from the same weights."""
    losses = list(dict.fromkeys(run.loss for run in experiment.runs.filter(tuned=False) if run.loss in LOSSES))
    changes = changes_for_few_images(PRESETS[FINE_TUNING], experiment.dataset.report["train_images"])
    if not experiment.weights:
        changes |= {field: experiment.protocol[field] for field in FROM_WEIGHTS}
    return {
        "name": f"{FINE_TUNING} on {experiment.dataset.name}"[:120],
        "dataset": experiment.dataset_id,
        "preset": FINE_TUNING,
        "losses": losses,
        "weights": experiment.weights,
        "changes": _lines(changes),
    }


def _lines(changes: Mapping[str, object]) -> str:
    return "\n".join(f"{field}={value}" for field, value in changes.items())


def _changes(experiment: Experiment, preset: str) -> Mapping[str, object]:
    usual, protocol = PRESETS[preset].to_json(), Protocol.from_json(experiment.protocol).to_json()
    skipped = ("name", *(FROM_WEIGHTS if experiment.weights else ()))
    return {field: value for field, value in protocol.items() if field not in skipped and value != usual[field]}


def _own_params(runs: Any) -> list[str]:
    """Return LOSS.PARAMETER=VALUE of each parameter that differs from its paper's."""
    lines = {
        f"{run.loss}.{name}={value}"
        for run in runs
        if run.loss in LOSSES
        for name, value in run.params.items()
        if value != LOSSES[run.loss].parameters[name].default
    }
    return sorted(lines)
