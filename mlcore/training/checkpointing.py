"""What a run keeps between its epochs, so that stopping or dying costs one epoch at most."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from mlcore.errors import CheckpointError
from mlcore.evaluation.evaluate import measure
from mlcore.inference.encode import Encoder, Floats, embed_rows
from mlcore.runs import RunSpec
from mlcore.training.batches import RunData
from mlcore.training.checkpoint import describe_checkpoint, latest_checkpoint, load_checkpoint, save_checkpoint
from mlcore.training.distributed import ALONE, World

Event = dict[str, Any]


class Keeper:
    """Stores the state after each epoch, takes it up again, and remembers the best on validation."""

    def __init__(
        self,
        folder: Path,
        spec: RunSpec,
        data: RunData,
        *,
        encoder: Encoder,
        loss: nn.Module,
        optimizer: torch.optim.Optimizer,
        features: Floats | None,
        world: World = ALONE,
    ) -> None:
        """features [N, F]: of every picture, given when the backbone does not learn."""
        self.world = world
        self.folder, self.data, self.encoder, self.optimizer = folder, data, encoder, optimizer
        self.features = features
        self.identity = spec.fingerprint(data.dataset)
        self.modules = {"embedder": encoder.embedder, "loss": loss}
        self.selects = spec.protocol.selection == "validation"
        self.patience = spec.protocol.patience
        self.best: Event = {}
        self.history: list[Event] = []

    def resume(self) -> int:
        """Load the newest checkpoint; return its epoch, 0 where there is none."""
        checkpoint = latest_checkpoint(self.folder)
        if self.world.from_first(lambda: str(checkpoint)) != str(checkpoint):
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
            event["validation"] = self.world.from_first(self._measure)
            self._remember_if_best(epoch, event["validation"]["map_at_r"])
        self.history.append(event)
        self._store(self.folder, epoch, {"run": self.identity, "history": self.history, "best": self.best})

    def _measure(self) -> Event:
        rows, encoder = self.data.validation_rows, self.encoder
        encoder.embedder.eval()
        if self.features is None:
            embeddings = embed_rows(encoder, self.data.cache, rows)
        else:
            embeddings = encoder.embed_features(self.features[rows])
        dataset = self.data.dataset
        return measure(embeddings, dataset.labels[rows], intervals=False, ks=dataset.ks)

    def _remember_if_best(self, epoch: int, map_at_r: float) -> None:
        if map_at_r > self.best.get("map_at_r", -1):
            self.best = {"epoch": epoch, "map_at_r": map_at_r}
            self._store(self.folder / "best", epoch, {})

    def _store(self, folder: Path, epoch: int, extra: Event) -> None:
        if self.world.is_first:
            save_checkpoint(folder, epoch, self.modules, self.optimizer, extra)

    def is_out_of_patience(self, epoch: int) -> bool:
        """Whether, after `epoch`, too many epochs have passed since the best one."""
        return self.patience > 0 and epoch - self.best.get("epoch", epoch) >= self.patience

    def restore_best(self) -> None:
        """Take the weights of the epoch that was best on the validation classes, if they select."""
        best = latest_checkpoint(self.folder / "best") if self.selects else None
        if best is not None:
            load_checkpoint(best, self.modules, self.optimizer)
