"""Estimates of training time from step times measured on this machine. Knows no torch."""

import hashlib
import json
import os
import platform
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from mlcore.config import Protocol
from mlcore.errors import CheckpointError
from mlcore.losses import LOSSES
from mlcore.runs import BASELINES

STEPS_VERSION = 2
"""Raised when steps take another time than before: 2 folds BatchNorms. What older versions timed is timed anew."""

NOT_MEASURED = ("name", "epochs")
"""Fields of a protocol that make no step slower: measurements serve whatever they are."""


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """Seconds that the parts of a training take on this machine, for one protocol and data set.

    load: to start a process and build the network. decode, feature: of one picture. step: of the network in
    one batch, forward and back; resting_step: while the backbone rests. losses: of each loss in one batch.
    epoch: what ends an epoch. head_start, duplicates: once a run, once a data set. measure, index: of a whole
    set. steps: in an epoch, by sampler. pixels, features: folders of the cache that, once there, save the work.
    """

    pictures: int
    load: float
    decode: float
    feature: float
    head_start: float
    step: float
    resting_step: float
    epoch: float
    measure: float
    duplicates: float
    index: float
    steps: dict[str, int]
    losses: dict[str, float]
    pixels: str
    features: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return what `to_json` stored.

        Raises:
            CheckpointError: a field or a loss is missing or unknown: another version measured.
        """
        if set(values) != {field.name for field in fields(cls)} or not LOSSES.keys() <= values["losses"].keys():
            raise CheckpointError("these step times were measured by another version; measure again")
        return cls(**values)

    def of_run(self, protocol: Protocol, loss: str) -> float:
        """Return the seconds of one run that finds pixels and features in the cache, its index included."""
        around = self.load + self.measure + self.index
        if loss in BASELINES:
            return around
        resting = 0 if protocol.trains == "head" else min(protocol.warmup_epochs, protocol.epochs)
        network = resting * self.resting_step + (protocol.epochs - resting) * self.step
        steps = self.steps[LOSSES[loss].sampler]
        training = steps * (network + protocol.epochs * self.losses[loss]) + protocol.epochs * self.epoch
        embedding = 0 if protocol.trains == "head" else self.pictures * self.feature
        return around + training + embedding + (self.head_start if _starts_from_features(protocol) else 0)

    def once(self, protocol: Protocol, losses: Collection[str], cache: Path) -> float:
        """Return the seconds of what the first of several runs leaves in the cache for the others."""
        decoding = 0 if (cache / self.pixels).exists() else self.pictures * self.decode + self.duplicates
        poolings = {"average"} if any(loss in BASELINES for loss in losses) else set()
        if _starts_from_features(protocol) and any(loss not in BASELINES for loss in losses):
            poolings.add(protocol.pooling)
        missing = [pooling for pooling in poolings if not (cache / self.features[pooling]).exists()]
        return decoding + len(missing) * self.pictures * self.feature


def _starts_from_features(protocol: Protocol) -> bool:
    return protocol.trains == "head" or protocol.head_init == "half-whitened-pca"


def step_times_file(cache: Path, fingerprint: str, protocol: Protocol, weights: str = "") -> Path:
    """Return where the step times of a protocol, a data set and this machine are kept."""
    values = {name: value for name, value in protocol.identity().items() if name not in NOT_MEASURED}
    machine = [platform.node(), len(os.sched_getaffinity(0)), os.environ.get("OMP_NUM_THREADS", "")]
    identity = json.dumps([STEPS_VERSION, values, fingerprint, weights, machine], sort_keys=True)
    return cache / "estimates" / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.json"
