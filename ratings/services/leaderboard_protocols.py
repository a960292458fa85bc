"""Protocols of the leaderboard: which models were trained under the same settings, whatever these are called."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlcore.config import Protocol
from retrieval.models import Model

EXTERNAL = "external"
"""In place of the protocol of models that were trained elsewhere, each in its own way."""

FIRST_LATER = ("memory", "memory_warmup_epochs", "horizontal_flip")
"""Fields of LATER that keys had before any was left out of them; these stay, and no field is ever added here."""

MOST_DIFFERENCES = 3
"""Settings that a protocol's label names where another protocol has the same name."""


@dataclass(frozen=True)
class BoardProtocol:
    """The settings that the models of a table share; two of equal settings are one, whatever their names.

    value: what the filter `protocol` takes; the name where no other protocol of the data set has it.
    """

    key: str
    name: str
    value: str
    label: str

    @property
    def is_external(self) -> bool:
        return self.key == EXTERNAL


def protocols_of(models: Sequence[Model]) -> dict[int, BoardProtocol]:
    """Return the protocol of each model, by its key."""
    settings: dict[int, dict[str, object]] = {}
    keys: dict[int, str] = {}
    by_dataset: dict[int, dict[str, dict[str, object]]] = {}
    for model in models:
        if model.run is None:
            continue
        experiment = model.run.experiment
        if experiment.pk not in settings:
            protocol = Protocol.from_json(experiment.protocol)  # with values for the fields that are younger than it
            settings[experiment.pk] = {**protocol.to_json(), "weights file": experiment.weights}
            keys[experiment.pk] = key_of(protocol, experiment.weights)
        by_dataset.setdefault(model.dataset_id, {}).setdefault(keys[experiment.pk], settings[experiment.pk])
    labelled = {dataset: _labelled(known) for dataset, known in by_dataset.items()}
    external = BoardProtocol(EXTERNAL, EXTERNAL, EXTERNAL, "External models")
    return {
        model.pk: labelled[model.dataset_id][keys[model.run.experiment_id]] if model.run else external
        for model in models
    }


def key_of(protocol: Protocol, weights: str) -> str:
    """Return the same text for equal settings; a name is none. weights: the experiment's file.

    Addresses that people share hold it. So a field that came later counts only where it changes something
    (`Protocol.identity`), and the key of a protocol stays as it was before there was that field.
    """
    first = {name: getattr(protocol, name) for name in FIRST_LATER}
    chosen = {**first, **protocol.identity(), "weights file": weights}
    del chosen["name"]
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]


def _labelled(known: Mapping[str, Mapping[str, object]]) -> dict[str, BoardProtocol]:
    """Return a data set's protocols by their keys. Those that share a name say in which settings they differ."""
    by_name: dict[str, list[str]] = {}
    for key, settings in known.items():
        by_name.setdefault(str(settings["name"]), []).append(key)
    protocols = {}
    for name, keys in by_name.items():
        for key in keys:
            if len(keys) == 1 and name != EXTERNAL:
                protocols[key] = BoardProtocol(key, name, name, name)
                continue
            others = [known[other] for other in keys if other != key]
            differing = [
                f"{field} {value}"
                for field, value in known[key].items()
                if any(other.get(field) != value for other in others)
            ]
            label = f"{name}: {', '.join(differing[:MOST_DIFFERENCES])}"
            protocols[key] = BoardProtocol(key, name, f"{name}~{key}", label)
    return protocols
