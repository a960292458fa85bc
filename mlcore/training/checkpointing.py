"""The checkpoints of a run: stored after each epoch, so that stopping or dying costs one epoch at most."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mlcore.errors import CheckpointError
from mlcore.evaluation.evaluate import measure
from mlcore.events import Event
from mlcore.inference.encode import embed_rows
from mlcore.training.checkpoint import (
    BestEpoch,
    CheckpointDescription,
    describe_checkpoint,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from mlcore.training.setup import TrainingSetup


class CheckpointManager:
    """Stores the state after each epoch, loads it again, and remembers the epoch that was best on validation."""

    def __init__(self, setup: TrainingSetup, loss: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Prepare for checkpoints in the setup's `work`; loss: with its proxies and memory, which are stored too."""
        self.setup, self.folder, self.optimizer = setup, setup.paths.work, optimizer
        self.identity = setup.spec.fingerprint(setup.data.dataset)
        self.modules = {"embedder": setup.encoder.embedder, "loss": loss}
        self.selects = setup.protocol.selection == "validation"
        self.best: BestEpoch = {}
        self.history: list[Event] = []

    def resume(self) -> int:
        """Load the newest checkpoint; return its epoch, 0 where there is none."""
        checkpoint = latest_checkpoint(self.folder)
        if self.setup.group.broadcast_object(lambda: str(checkpoint)) != str(checkpoint):
            raise CheckpointError(f"{self.folder} does not hold the same for every process; it must be a shared folder")
        if checkpoint is None:
            return 0
        stored = describe_checkpoint(checkpoint)
        if stored["run"] != self.identity:
            raise CheckpointError(f"checkpoint {checkpoint} belongs to another run; choose another folder")
        load_checkpoint(checkpoint, self.modules, self.optimizer)
        self.history, self.best = stored["history"], stored["best"]
        return int(stored["epoch"])

    def keep(self, epoch: int, event: Event) -> None:
        """Add the event of an epoch to the history, with validation if that selects, and store all.

        Of several processes the first measures and stores, and all know the outcome.
        """
        if self.selects:
            event["validation"] = self.setup.group.broadcast_object(self._measure)
            self._remember_if_best(epoch, event["validation"]["map_at_r"])
        self.history.append(event)
        self._store(self.folder, epoch, {"run": self.identity, "history": self.history, "best": self.best})

    def _measure(self) -> Mapping[str, Any]:
        data, encoder, features = self.setup.data, self.setup.encoder, self.setup.features
        rows = data.validation_rows
        encoder.embedder.eval()
        if features is None:
            embeddings = embed_rows(encoder, data.cache, rows)
        else:
            embeddings = encoder.embed_features(features[rows])
        return measure(embeddings, data.dataset.labels[rows], intervals=False, ks=data.dataset.ks)

    def _remember_if_best(self, epoch: int, map_at_r: float) -> None:
        if map_at_r > self.best.get("map_at_r", -1):
            self.best = {"epoch": epoch, "map_at_r": map_at_r}
            self._store(self.folder / "best", epoch, {})

    def _store(self, folder: Path, epoch: int, extra: CheckpointDescription) -> None:
        if self.setup.group.is_main:
            save_checkpoint(folder, epoch, self.modules, self.optimizer, extra)

    def is_out_of_patience(self, epoch: int) -> bool:
        """Whether, after `epoch`, too many epochs have passed since the best one."""
        patience = self.setup.protocol.patience
        return patience > 0 and epoch - self.best.get("epoch", epoch) >= patience

    def restore_best(self) -> None:
        """Take the weights of the epoch that was best on the validation classes, if they select."""
        best = latest_checkpoint(self.folder / "best") if self.selects else None
        if best is not None:
            load_checkpoint(best, self.modules, self.optimizer)
