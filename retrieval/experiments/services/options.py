"""Options of experiments: losses and presets, and the protocol made of them and of weights."""

from collections.abc import Mapping
from typing import Any, TypedDict

from config.errors import Rejected
from mlcore.config import AT_LEAST, PRESETS, Protocol
from mlcore.errors import MlcoreError
from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES, BASELINES
from retrieval.experiments.services.weights import protocol_fields
from retrieval.models import Dataset

CHANGED = " (changed)"


def baselines() -> list[str]:
    """Return the names of the baselines, which are not trained."""
    return list(BASELINES)


class ParameterInfo(TypedDict):
    """A parameter of a loss. letter: LaTeX, as in the formula."""

    default: float | int
    meaning: str
    letter: str
    range: str


class LossInfo(TypedDict):
    """A loss or a baseline for forms and clients; formula, where and the keys of symbols are LaTeX."""

    name: str
    title: str
    family: str
    paper: str
    idea: str
    formula: str
    where: list[str]
    symbols: dict[str, str]
    parameters: dict[str, ParameterInfo]
    equals: dict[str, str]
    sampler: str
    takes_memory: bool


def loss_table() -> list[LossInfo]:
    """Return all losses, then the baselines."""
    losses: list[LossInfo] = [
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
    baselines: list[LossInfo] = [
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


def presets() -> list[Mapping[str, Any]]:
    """Return all preset protocols as plain values."""
    return [protocol.to_json() for protocol in PRESETS.values()]


def make_protocol(preset: str, changes: Mapping[str, Any], weights: str) -> Protocol:
    """Return a preset with changed fields; weights, a file or `hub:NAME`, set its weights and backbone.

    Raises:
        Rejected: no such preset, field, value or weights.
    """
    if preset not in PRESETS:
        raise Rejected(f"no preset named {preset!r}; known: {', '.join(PRESETS)}", field="preset")
    # A changed preset must not have the name of the original.
    wanted = {"name": preset + CHANGED, **changes} if changes else {}
    fields = protocol_fields(weights)
    try:
        protocol = PRESETS[preset].with_changes(**{**fields, **wanted}).bounded()
    except MlcoreError as error:
        raise Rejected(str(error), field="changes" if changes else "") from error
    if protocol.weights == "local" and not weights:
        raise Rejected("local weights need a weights file; select one", field="weights")
    if weights and protocol.weights != fields["weights"]:
        raise Rejected(f"the protocol's weights are {protocol.weights}, so {weights} would not be used; leave one out")
    return protocol


def fitted_protocol(*, preset: str, changes: Mapping[str, Any], weights: str, dataset: Dataset) -> Protocol:
    """Return the protocol of a form: as `make_protocol`, fitted to few pictures unless the changes say how.

    Raises:
        Rejected: as `make_protocol`.
    """
    protocol = make_protocol(preset, changes, weights)
    fewer = changes_for_few_images(protocol, dataset.report.get("train_images") or 0)
    return (
        make_protocol(preset, {**fewer, **changes}, weights)
        if fewer and not fewer.keys() & changes.keys()
        else protocol
    )


def changes_for_few_images(protocol: Protocol, train_images: int) -> dict[str, object]:
    """Return the changes without which a head cannot start from the principal components of so few pictures."""
    most = train_images - 1  # directions of a principal component analysis
    if protocol.head_init == "random" or protocol.dim <= most:
        return {}
    return {"dim": most} if most >= AT_LEAST["dim"] else {"head_init": "random"}
