"""RunSpec: what one run is; and the files of its embeddings. Knows no torch."""

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from mlcore.config import Protocol
from mlcore.datasets import DatasetFolder
from mlcore.errors import ProtocolError
from mlcore.losses import LOSSES, loss_spec, stored_params

BASELINES = {
    "untrained": "The backbone as it is: average-pooled features, no head, no training.",
    "half_whitened_pca": "The backbone's average-pooled features, centred, projected and half-whitened.",
}
BASELINE_TITLES = {"untrained": "Untrained backbone", "half_whitened_pca": "Half-whitened PCA"}
MEASURED_ON = ("test", "validation")
WEIGHTS = {"timm": "model.safetensors", "onnx": "model.onnx"}
"""The file of weights in a run's folder, by the kind of network; embeddings from elsewhere have none."""


class Cost(TypedDict):
    """What a run took: seconds of training, pictures a second, peak memory in MiB, and on which hardware."""

    train_seconds: float
    images_per_second: float | None
    peak_memory_mib: float
    device: str
    threads: int


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One cell of an experiment: a protocol, a loss with its own parameters, and a seed.

    loss: a name of LOSSES, or of BASELINES, which are measured but not trained.
    fold: which fold is held out, 0..folds-1, where the protocol has folds; the same seed gives every
    loss the same folds.
    measured_on: `test` classes, or the `validation` classes that protocol or fold hold out; the
    latter never reads a test picture's label.
    """

    protocol: Protocol
    loss: str
    params: dict[str, float | int] = field(default_factory=dict)
    seed: int = 0
    fold: int | None = None
    measured_on: str = "test"

    @property
    def is_baseline(self) -> bool:
        """Whether nothing is trained."""
        return self.loss in BASELINES

    def checked(self) -> "RunSpec":
        """Return the same run with all of its loss's parameters written out, each checked.

        Raises UnknownLossError, TypeError or ValueError, as `build_loss` does, and ProtocolError.
        """
        if self.measured_on not in MEASURED_ON:
            raise ProtocolError(f"measured_on must be one of {', '.join(MEASURED_ON)}; got {self.measured_on!r}")
        if self.seed < 0:
            raise ProtocolError(f"seed must be at least 0, got {self.seed}")
        self._check_fold()
        if self.measured_on == "validation" and self.protocol.selection == "validation":
            raise ProtocolError(
                "selection 'validation' picks the epoch by the classes to be measured on; measure on test"
            )
        if not self.is_baseline:
            return replace(self, params=loss_spec(self.loss).checked(self.params))
        if self.params:
            raise TypeError(f"{self.loss} has no parameter {next(iter(self.params))!r}; it has none")
        return self

    def _check_fold(self) -> None:
        folds = self.protocol.folds
        if self.fold is None and folds and not self.is_baseline:
            raise ProtocolError(f"the protocol has {folds} folds; say which is held out, 0 to {folds - 1}")
        if self.fold is not None and not 0 <= self.fold < folds:
            raise ProtocolError(f"there is no fold {self.fold}: the protocol has {folds} folds")

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return {
            "protocol": self.protocol.to_json(),
            "loss": self.loss,
            "params": self.params,
            "seed": self.seed,
            "fold": self.fold,
            "measured_on": self.measured_on,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RunSpec":
        """Return what `to_json` stored of a checked run, perhaps before its loss had all of its parameters."""
        params = stored_params(values["loss"], values["params"])
        return cls(**{**values, "protocol": Protocol.from_json(values["protocol"]), "params": params})

    def fingerprint(self, dataset: DatasetFolder) -> str:
        """Return a hash that is equal only for the same run on the same pictures."""
        params = LOSSES[self.loss].identity(self.params) if self.loss in LOSSES else self.params
        values = {**self.to_json(), "protocol": self.protocol.identity(), "params": params}
        identity = json.dumps([values, dataset.fingerprint], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()


def write_embeddings(folder: Path, embeddings: NDArray[np.float32], dataset: DatasetFolder) -> None:
    """Write embeddings.npy [N, dim] and images.csv, whose row n says which picture row n is."""
    np.save(folder / "embeddings.npy", embeddings)
    with (folder / "images.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "id", "path", "label", "sha256"])
        for row, picture in enumerate(dataset.pictures):
            writer.writerow([row, picture.id, picture.path, picture.label, picture.sha256])


def read_ids(folder: Path) -> NDArray[np.int64]:
    """Return the picture id of every row of a folder's embeddings."""
    return np.array(_column(folder, "id"), np.int64)


def read_shas(folder: Path) -> list[str]:
    """Return the SHA-256 of the picture of every row of a folder's embeddings."""
    return _column(folder, "sha256")


def _column(folder: Path, name: str) -> list[str]:
    with (folder / "images.csv").open(newline="") as file:
        return [row[name] for row in csv.DictReader(file)]
