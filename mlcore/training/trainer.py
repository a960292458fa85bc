"""The epochs of one run: step by step, watched, kept after each, and ended with a reason."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mlcore.errors import Stopped, TrainingError
from mlcore.inference.encode import Encoder, Floats, cached_features
from mlcore.losses import build_loss, loss_spec
from mlcore.losses.remembering import RememberingLoss
from mlcore.runs import RunSpec
from mlcore.training.batches import Batches, Rows, RunData
from mlcore.training.checkpointing import Event, Keeper
from mlcore.training.collapse import collapse_warnings
from mlcore.training.distributed import ALONE, World, share_batch_norm
from mlcore.training.epoch_figures import EpochFigures
from mlcore.training.optim import build_optimizer, prepare_for_epoch, rate_factor
from mlcore.training.out_of_memory import OutOfMemoryError, advice, first_that_fits, memory_errors_told


@dataclass(frozen=True)
class Workplace:
    """Where a run works: `out` appears whole at the end, `work` holds checkpoints, `cache` is shared."""

    out: Path
    work: Path
    cache: Path


@dataclass(frozen=True)
class Listener:
    """Who hears of a run and may stop it."""

    on_event: Callable[[Event], None] = lambda event: None
    should_stop: Callable[[], bool] = lambda: False

    def progress(self, phase: str, done: int, total: int) -> None:
        """Report a step of a phase. Raises Stopped when asked to stop."""
        if self.should_stop():
            raise Stopped("stopped as asked; starting again goes on from the last whole epoch")
        self.on_event({"event": "progress", "phase": phase, "done": done, "total": total})


class Trainer:
    """The epochs of one run."""

    def __init__(
        self,
        spec: RunSpec,
        data: RunData,
        encoder: Encoder,
        place: Workplace,
        listener: Listener,
        *,
        world: World = ALONE,
        features: Floats | None = None,
    ) -> None:
        """features [N, F]: of every picture; where only a head learns and none are given, they are computed."""
        self.spec, self.protocol, self.world = spec, spec.protocol, world
        # A request to stop that reaches one process stops all of them at the same step.
        self.listener = replace(listener, should_stop=lambda: world.any(listener.should_stop()))
        self.embedder = encoder.embedder
        share_batch_norm(self.embedder, self.protocol, world)
        classes = int(data.labels.max()) + 1
        loss = build_loss(spec.loss, num_classes=classes, dim=self.protocol.dim, **spec.params)
        self.loss: nn.Module = loss.to(encoder.device)
        self.optimizer = build_optimizer(self.protocol, self.embedder, self.loss)
        if self.protocol.trains != "head" or self.protocol.crop_scale != 1:
            features = None
        elif features is None:
            features = world.first_then_all(
                lambda: cached_features(encoder, data.dataset, data.cache, place.cache, listener.progress)
            )
        self.batches = Batches(spec, data, encoder, features, world)
        if self.protocol.memory and loss_spec(spec.loss).takes_memory:
            self.loss = self._beside_memory().to(encoder.device)
        self.keeper = Keeper(
            place.work,
            spec,
            data,
            encoder=encoder,
            loss=self.loss,
            optimizer=self.optimizer,
            features=features,
            world=world,
        )

    def _beside_memory(self) -> RememberingLoss:
        rests_for = self.protocol.memory_warmup_epochs * len(self.batches.plan(1))
        return RememberingLoss(self.loss, size=self.protocol.memory, dim=self.protocol.dim, rests_for=rests_for)

    def fit(self) -> list[Event]:
        """Train all epochs that no checkpoint holds yet; return the events of every epoch."""
        done = self.keeper.resume()
        self.world.take_weights(self.embedder, self.loss)
        for event in self.keeper.history:
            self.listener.on_event(event)
        for epoch in range(done + 1, self.protocol.epochs + 1):
            if self.keeper.is_out_of_patience(epoch - 1):
                break
            event = self._train_epoch_that_fits(epoch)
            self.keeper.keep(epoch, event)
            self.listener.on_event(event)
        self.keeper.restore_best()
        return self.keeper.history

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
        event = {
            "event": "epoch",
            "epoch": epoch,
            "epochs": epochs,
            "step": epoch * len(plan),
            **figures.means(),
            "learning_rate": self.protocol.learning_rate * rate_factor(self.protocol, epoch / epochs),
            "images_per_second": round(sum(len(chosen) for chosen in plan) / seconds, 1),
            "seconds": round(seconds, 2),
        }
        before = self.keeper.history[-1] if self.keeper.history else None
        warnings = collapse_warnings(self.spec.loss, event, before)
        return event | {"warnings": warnings} if warnings else event

    def _train_steps(self, epoch: int, plan: list[Rows], figures: EpochFigures) -> None:
        losses, total = figures.losses, self.protocol.epochs * len(plan)
        for inputs, labels in self.batches.loaded(plan, epoch):
            step = (epoch - 1) * len(plan) + len(losses)
            self.listener.progress("train", step, total)
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
        self.world = self.world.apart(self.embedder)

        def attempt(size: int) -> None:
            for inputs, labels in self.batches.loaded([batch[:size]], epoch):
                self.step(inputs, labels, 0, EpochFigures(1))

        least = min(len(batch), max(2 * self.protocol.samples_per_class, self.world.size))
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
        embeddings = self.world.gather(self.batches.embeddings(inputs), len(labels))
        self.world.take_random_state()
        loss = self.loss(embeddings, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.world.sum_gradients(self.embedder.parameters())
        self.world.take_gradients(self.loss.parameters())
        figures.see_gradients(self.optimizer)
        figures.see_batch(embeddings, labels)
        self.optimizer.step()
        return float(loss.detach())


def _kept(epoch: int) -> str:
    return f"; the checkpoint of epoch {epoch - 1} is kept" if epoch > 1 else ""
