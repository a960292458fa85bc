"""An experiment as the values of a form, so that another like it can be begun."""

from typing import Any

from mlcore.config import PRESETS, Protocol
from mlcore.losses import LOSSES
from retrieval.experiments.services.choosing import CHANGED
from retrieval.models import Experiment

FROM_WEIGHTS = ("weights", "backbone")  # a file of weights brings these


def form_values(experiment: Experiment) -> dict[str, Any]:
    """Return what a form of a new experiment holds that is to be like this one: a name for each field."""
    name, tuning = str(experiment.protocol["name"]).removesuffix(CHANGED), experiment.tuning or {}
    preset = name if name in PRESETS else next(iter(PRESETS))
    runs = list(experiment.runs.filter(tuned=False))
    return {
        "name": f"{experiment.name}, again"[:120],
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


def _changes(experiment: Experiment, preset: str) -> dict[str, Any]:
    usual, protocol = PRESETS[preset].to_json(), Protocol.from_json(experiment.protocol).to_json()
    skipped = ("name", *(FROM_WEIGHTS if experiment.weights else ()))
    return {field: value for field, value in protocol.items() if field not in skipped and value != usual[field]}


def _own_params(runs: Any) -> list[str]:
    """Return LOSS.PARAMETER=VALUE of each parameter that is not its paper's."""
    found = {
        f"{run.loss}.{name}={value}"
        for run in runs
        if run.loss in LOSSES
        for name, value in run.params.items()
        if value != LOSSES[run.loss].parameters[name].default
    }
    return sorted(found)
