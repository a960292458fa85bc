"""Trainer: the steps and epochs of one run."""

import math
import time
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from mlcore.errors import TrainingError
from mlcore.events import Event
from mlcore.inference.encode import cached_features
from mlcore.losses import build_loss, loss_spec
from mlcore.losses.cross_batch_memory import CrossBatchMemoryLoss
from mlcore.losses.nested import nested_as
from mlcore.networks.batch_norm_folding import fold_batch_norms
from mlcore.training.augmentation import active_augmentations
from mlcore.training.batches import Batches
from mlcore.training.checkpointing import CheckpointManager
from mlcore.training.collapse import collapse_warnings
from mlcore.training.distributed import share_batch_norm
from mlcore.training.epoch_figures import EpochFigures
from mlcore.training.optim import build_optimizer, prepare_for_epoch, rate_factor
from mlcore.training.out_of_memory import OutOfMemoryError, advice, first_that_fits, memory_errors_told
from mlcore.training.pairs import pair_warnings
from mlcore.training.run_data import Rows
from mlcore.training.setup import TrainingSetup


class Trainer:
    """The epochs of one run."""

    def __init__(self, setup: TrainingSetup) -> None:
        """Build loss, optimiser, batches and checkpoints; features that only a head needs are computed if missing."""
        self.pair_warnings = pair_warnings(setup)
        share_batch_norm(setup.encoder.embedder, setup.protocol, setup.group)
        self.setup = setup = _prepared(setup)
        self.spec, self.protocol, self.group, self.callbacks = setup.spec, setup.protocol, setup.group, setup.callbacks
        self.embedder, device = setup.encoder.embedder, setup.encoder.device
        if self.protocol.trains != "head" and self.protocol.batch_norm != "trained":
            fold_batch_norms(self.embedder.backbone, self.protocol.crop)
        classes = int(setup.data.labels.max()) + 1
        loss = build_loss(self.spec.loss, num_classes=classes, dim=self.protocol.dim, **self.spec.params)
        self.loss: nn.Module = loss.to(device)
        self.optimizer = build_optimizer(self.protocol, self.embedder, self.loss)
        self.batches = Batches(setup)
        self.loss = nested_as(self.protocol, self.loss)
        if self.protocol.memory and loss_spec(self.spec.loss).takes_memory:
            self.loss = self._beside_memory().to(device)
        self.checkpoints = CheckpointManager(setup, self.loss, self.optimizer)

    def _beside_memory(self) -> CrossBatchMemoryLoss:
        warmup_steps = self.protocol.memory_warmup_epochs * len(self.batches.plan(1))
        return CrossBatchMemoryLoss(
            self.loss, size=self.protocol.memory, dim=self.protocol.dim, warmup_steps=warmup_steps
        )

    def fit(self) -> list[Event]:
        """Train all epochs that no checkpoint holds yet; return the events of every epoch."""
        done = self.checkpoints.resume()
        self.group.broadcast_weights(self.embedder, self.loss)
        for event in self.checkpoints.history:
            self.callbacks.on_event(event)
        for epoch in range(done + 1, self.protocol.epochs + 1):
            if self.checkpoints.is_out_of_patience(epoch - 1):
                break
            event = self._train_epoch_that_fits(epoch)
            self.checkpoints.keep(epoch, event)
            self.callbacks.on_event(event)
        self.checkpoints.restore_best()
        return self.checkpoints.history

    def _train_epoch_that_fits(self, epoch: int) -> Event:
        plan = self.batches.plan(epoch)
        figures = EpochFigures(len(plan))
        try:
            return self._train_epoch(epoch, plan, figures)
        except OutOfMemoryError as error:
            said = f" ({error})" if str(error) else ""
        # Not within the except: an error that is being handled keeps alive all that the failed step held.
        raise TrainingError(self._out_of_memory(epoch, len(figures.losses), said))

    def _train_epoch(self, epoch: int, plan: list[Rows], figures: EpochFigures) -> Event:
        # Nothing of an epoch depends on the ones before but weights and optimiser state.
        torch.manual_seed(int(np.random.SeedSequence([self.spec.seed, epoch]).generate_state(1)[0]))
        prepare_for_epoch(self.protocol, self.embedder, epoch)
        epochs, started = self.protocol.epochs, time.perf_counter()
        with memory_errors_told():
            self._train_steps(epoch, plan, figures)
        seconds = time.perf_counter() - started
        values = {
            "event": "epoch",
            "epoch": epoch,
            "epochs": epochs,
            "step": epoch * len(plan),
            **figures.means(),
            "learning_rate": self.protocol.learning_rate * rate_factor(self.protocol, epoch / epochs),
            "images_per_second": round(sum(len(chosen) for chosen in plan) / seconds, 1),
            "seconds": round(seconds, 2),
        }
        event = cast(Event, values)
        before = self.checkpoints.history[-1] if self.checkpoints.history else None
        warnings = collapse_warnings(self.spec.loss, event, before) + (self.pair_warnings if epoch == 1 else [])
        return {**event, "warnings": warnings} if warnings else event

    def _train_steps(self, epoch: int, plan: list[Rows], figures: EpochFigures) -> None:
        losses, total = figures.losses, self.protocol.epochs * len(plan)
        for inputs, labels in self.batches.loaded(plan, epoch):
            step = (epoch - 1) * len(plan) + len(losses)
            self.callbacks.progress("train", step, total)
            losses.append(self.step(inputs, labels, step / total, figures))
            if not math.isfinite(losses[-1]):
                raise TrainingError(
                    f"the loss became {losses[-1]} at epoch {epoch}, step {len(losses)}{_kept(epoch)}. "
                    "Lower the learning rate or the loss's scale"
                )

    def _out_of_memory(self, epoch: int, done: int, said: str) -> str:
        """Return what to tell after the step that followed `done` steps of an epoch did not fit."""
        batch = self.batches.plan(epoch)[done]
        # The others are in the middle of their step, or try by themselves: none waits for another any more.
        self.group = self.group.detach(self.embedder)

        def attempt(size: int) -> None:
            for inputs, labels in self.batches.loaded([batch[:size]], epoch):
                self.step(inputs, labels, 0, EpochFigures(1))

        least = min(len(batch), max(2 * self.protocol.samples_per_class, self.group.size))
        fitting = first_that_fits(attempt, len(batch), least)
        return (
            f"out of memory{said} at epoch {epoch}, step {done + 1}, with a batch of {len(batch)} pictures"
            f"{_kept(epoch)}. {advice(self.protocol, fitting, least)}"
        )

    def step(self, inputs: Tensor, labels: Tensor, progress: float, figures: EpochFigures) -> float:
        """Learn from one batch at that part of the training, 0 to 1; return its loss."""
        factor = rate_factor(self.protocol, progress)
        for group in self.optimizer.param_groups:
            group["lr"] = group["base_rate"] * factor
        embeddings = self.group.gather(self.batches.embeddings(inputs), len(labels))
        self.group.broadcast_random_state()
        loss = self.loss(embeddings, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.group.sum_gradients(self.embedder.parameters())
        self.group.broadcast_gradients(self.loss.parameters())
        figures.see_gradients(self.optimizer)
        figures.see_batch(embeddings, labels)
        self.optimizer.step()
        return float(loss.detach())


def _kept(epoch: int) -> str:
    return f"; the checkpoint of epoch {epoch - 1} is kept" if epoch > 1 else ""


def _prepared(setup: TrainingSetup) -> TrainingSetup:
    """Return the setup with callbacks of the whole group, and with features exactly where only a head learns."""
    group, callbacks, data = setup.group, setup.callbacks, setup.data
    # A request to stop that reaches one process stops all of them at the same step.
    callbacks = replace(callbacks, should_stop=lambda: group.any(setup.callbacks.should_stop()))
    features = None
    if setup.protocol.trains == "head" and not active_augmentations(setup.protocol):
        features = setup.features
        if features is None:
            cached = partial(cached_features, engine=setup.protocol.feature_engine)
            features = group.main_first(
                lambda: cached(setup.encoder, data.dataset, data.cache, setup.paths.cache, callbacks.progress)
            )
    return replace(setup, callbacks=callbacks, features=features)
