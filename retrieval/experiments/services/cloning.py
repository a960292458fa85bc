"""Duplicates of experiments: their settings as the values of a form."""

from collections.abc import Mapping
from typing import Any

from mlcore.config import PRESETS, Protocol
from mlcore.losses import LOSSES
from retrieval.experiments.services.options import CHANGED
from retrieval.models import Experiment

FROM_WEIGHTS = ("weights", "backbone")  # set by a weights file


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
        "changes": "\n".join(f"{field}={value}" for field, value in _changes(experiment, preset).items()),
        "params": "\n".join(_own_params(runs)),
        "publish": experiment.publish,
    }


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
