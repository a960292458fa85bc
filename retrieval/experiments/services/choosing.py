"""What an experiment may be made of: losses, presets, weights, and the protocol that comes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from config.errors import Rejected
from mlcore.artifacts import read_json
from mlcore.config import PRESETS, Protocol
from mlcore.errors import MlcoreError
from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES, BASELINES

CHANGED = " (changed)"


def baselines() -> list[str]:
    """Return the names of the rows that are not trained."""
    return list(BASELINES)


def loss_table() -> list[dict[str, Any]]:
    """Return what a form or a client needs to know of each loss and baseline."""
    losses = [
        {
            "name": name,
            "title": spec.title,
            "family": spec.family,
            "paper": spec.paper,
            "idea": spec.idea,
            "formula": spec.formula,
            "where": list(spec.where),
            "symbols": dict(spec.symbols),
            "parameters": {
                parameter: {
                    "default": value.default,
                    "meaning": value.meaning,
                    "letter": spec.letters[parameter],
                    "range": value.range,
                }
                for parameter, value in spec.parameters.items()
            },
            "equals": dict(spec.equals),
            "sampler": spec.sampler,
            "takes_memory": spec.takes_memory,
        }
        for name, spec in LOSSES.items()
    ]
    baselines = [
        {
            "name": name,
            "title": BASELINE_TITLES[name],
            "family": "not trained",
            "paper": "",
            "idea": idea,
            "formula": "",
            "where": [],
            "symbols": {},
            "parameters": {},
            "equals": {},
            "sampler": "",
            "takes_memory": False,
        }
        for name, idea in BASELINES.items()
    ]
    return losses + baselines


def presets() -> list[dict[str, Any]]:
    """Return every preset protocol as plain values."""
    return [protocol.to_json() for protocol in PRESETS.values()]


def weights_files() -> list[str]:
    """Return the names of the local weights that a protocol may use."""
    return sorted(file.name for file in Path(settings.WEIGHTS_DIR).glob("*.safetensors"))


def make_protocol(preset: str, changes: Mapping[str, Any], weights: str) -> Protocol:
    """Return a preset with some fields changed; with a weights file, its local weights and backbone.

    Raises:
        Rejected: no such preset, field, value or file.
    """
    if preset not in PRESETS:
        raise Rejected(f"no protocol named {preset!r}; known: {', '.join(PRESETS)}", field="preset")
    # Beside honest figures of a preset, a changed one must not go by its name.
    wanted = {"name": preset + CHANGED, **changes} if changes else {}
    if weights:
        if weights not in weights_files():
            known = ", ".join(weights_files()) or "none"
            raise Rejected(f"no weights file named {weights!r}; known: {known}", field="weights")
        wanted = {"weights": "local", "backbone": _architecture_of(weights), **wanted}
    try:
        protocol = PRESETS[preset].with_changes(**wanted).bounded()
    except MlcoreError as error:
        raise Rejected(str(error), field="changes" if changes else "") from error
    if protocol.weights == "local" and not weights:
        raise Rejected("local weights need a weights file; choose one", field="weights")
    if weights and protocol.weights != "local":
        raise Rejected(f"the protocol's weights are {protocol.weights}, so {weights} would not be used; leave one out")
    return protocol


def _architecture_of(weights: str) -> str:
    beside = Path(weights).with_suffix(".json")
    try:
        return str(read_json(Path(settings.WEIGHTS_DIR) / beside)["architecture"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Rejected(f"{beside} does not say the architecture of {weights}; put it beside the weights") from None
