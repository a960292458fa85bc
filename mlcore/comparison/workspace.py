"""The folder of a comparison: its files, its plan, and the locks of processes that share it."""

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlcore.artifacts import read_json, sha256_of_file, write_json
from mlcore.comparison.plan import Cell, Comparison, Tuning
from mlcore.datasets import DatasetFolder
from mlcore.errors import ComparisonError
from mlcore.events import Event

FORMAT = 2
"""Number of comparison.json: 1 has a tuning without folds and design; it is read as well."""

PLAN = "comparison.json"
MAY_GROW = ("name", "losses", "seeds")


@dataclass(frozen=True)
class ComparisonWorkspace:
    """The folder of a comparison, and what its cells share: the data set, the weights, the cache of pixels."""

    folder: Path
    dataset: DatasetFolder
    weights: Path | None
    cache: Path

    def cell(self, cell: Cell) -> Path:
        """Return where the finished run of a cell lies."""
        return self.folder / "cells" / cell.name

    def error(self, cell: Cell) -> Path:
        """Return the file that says why a cell failed."""
        return self.folder / "cells" / f"{cell.name}.error.json"

    def tuning(self, loss: str) -> Path:
        """Return the file of a loss's trials."""
        return self.folder / "tuning" / f"{loss}.json"


EventCallback = Callable[[str, Event], None]
"""Called as on_event(cell's name, event); the events are those of a training."""


def store_plan(workspace: ComparisonWorkspace, comparison: Comparison) -> Comparison:
    """Write comparison.json, or check that the folder's own is of the same comparison; return the one to run.

    A comparison may grow by losses and seeds: finished cells are kept. Anything else that differs would
    put figures of two experiments into one table. A tuning that began under an earlier design goes on under it.

    Raises:
        ComparisonError: protocol, data, weights, tuning or a loss's parameters are not those of the folder.
    """
    file = workspace.folder / PLAN
    stored = read_json(file) if file.exists() else None
    comparison = _with_design_of(stored, comparison) if stored else comparison
    about = {"name": workspace.dataset.name, "fingerprint": workspace.dataset.fingerprint}
    asked = plan_of(comparison, about, sha256_of_file(workspace.weights) if workspace.weights else "")
    if stored:
        _require_same(stored, asked, workspace.folder)
    write_json(file, asked)
    return comparison


def _with_design_of(stored: Mapping[str, Any], comparison: Comparison) -> Comparison:
    before = Tuning.from_json(stored["tuning"]) if stored["tuning"] else None
    asked = comparison.tuning
    if before is None or asked is None or before.design >= asked.design:
        return comparison
    return replace(comparison, tuning=before) if replace(asked, design=before.design) == before else comparison


def plan_of(comparison: Comparison, dataset: Mapping[str, str], weights_sha256: str) -> dict[str, object]:
    """Return what comparison.json holds; dataset: its {"name", "fingerprint"}."""
    return {"format": FORMAT, **comparison.to_json(), "dataset": dict(dataset), "weights_sha256": weights_sha256}


def _require_same(stored: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> None:
    # Parsed, for the folder may be older than a field of the protocol or a parameter of a loss.
    stored = {**stored, "format": FORMAT, **Comparison.from_json(stored).to_json()}
    for key in sorted(asked.keys() - set(MAY_GROW)):
        if stored.get(key) != asked[key]:
            raise ComparisonError(f"{folder} holds a comparison with another {key}; choose another folder")
    for loss, params in stored["losses"].items():
        if asked["losses"].get(loss, params) != params:
            raise ComparisonError(f"{folder} holds {loss} with other parameters; choose another folder")


@contextmanager
def claimed(file: Path) -> Iterator[bool]:
    """Yield whether this process has the lock; the system takes it back from a process that dies."""
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
