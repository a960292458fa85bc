"""Train one run under its protocol: deterministic, resumable, and stopped without loss."""

import json
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlcore.artifacts import published, refuse_existing, write_json
from mlcore.batches import Batches, Rows, RunData
from mlcore.collapse import collapse_warnings
from mlcore.cost import cost_of
from mlcore.datasets import DatasetFolder
from mlcore.distributed import ALONE, World, require_shareable, share_batch_norm
from mlcore.encode import Encoder, cached_features, embed_rows, open_pixels
from mlcore.epoch_figures import EpochFigures
from mlcore.errors import Stopped, TrainingError
from mlcore.keeper import Event, Keeper
from mlcore.learning import build_optimizer, prepare_for_epoch, rate_factor
from mlcore.losses import build_loss, loss_spec
from mlcore.losses.remembering import RememberingLoss
from mlcore.measurement import measure_rows
from mlcore.model_files import write_model
from mlcore.models.backbones import BackboneSpec, load_backbone
from mlcore.models.embedder import Embedder, start_head_from_pca
from mlcore.near_duplicates import near_duplicates
from mlcore.out_of_memory import OutOfMemoryError, advice, first_that_fits, memory_errors_told
from mlcore.runs import RunSpec, write_embeddings

BASELINE_PCA_DIM = 512


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


def train(
    spec: RunSpec,
    dataset: DatasetFolder,
    place: Workplace,
    *,
    weights: Path | None = None,
    listener: Listener | None = None,
    world: World = ALONE,
) -> dict[str, Any]:
    """Train, measure and embed one run into `place.out`; return its metrics.

    A run that was stopped or killed goes on from its last whole epoch and ends with the same weights
    as if it had not been. `weights` is the file of a protocol with local weights. The listener hears
    `progress`, `epoch` (docs/training.md says what is in it) and `metrics` events.
    Of several processes the first embeds, measures and writes; the others return no metrics.

    Raises:
        FileExistsError: `place.out` is already there.
        Stopped: the listener asked for it; the last whole epoch is kept.
        TrainingError: the loss was not finite, or a step ran out of memory; the message says which batch fits.
        DatasetError, WeightsError, CheckpointError, ProtocolError: as they say.
    """
    spec, listener = spec.checked(), listener or Listener()
    require_shareable(spec.protocol, world)
    refuse_existing(place.out)  # now, not when all the work is done
    _make_deterministic(spec.seed)
    protocol = spec.protocol
    backbone, described = world.first_then_all(
        lambda: load_backbone(protocol.backbone, protocol.weights, weights, protocol.crop)
    )
    preprocessing = described.preprocessing(protocol.short_side, protocol.crop)
    cache = world.first_then_all(lambda: open_pixels(preprocessing, dataset, place.cache, listener.progress))
    data = RunData.of(spec, dataset, cache)
    encoder = world.first_then_all(lambda: _build_encoder(spec, data, (backbone, described), place.cache, listener))
    history = [] if spec.is_baseline else Trainer(spec, data, encoder, place, listener, world=world).fit()
    if not world.is_first:
        return {}
    metrics = _publish(spec, data, encoder, place, history=history, listener=listener)
    shutil.rmtree(place.work, ignore_errors=True)
    listener.on_event({"event": "metrics", **metrics})
    return metrics


def _make_deterministic(seed: int) -> None:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def _build_encoder(
    spec: RunSpec, data: RunData, loaded: tuple[nn.Module, BackboneSpec], cache: Path, listener: Listener
) -> Encoder:
    """Build the network as it stands before the first epoch.

    A baseline pools by average whatever the protocol says: it is the backbone as it is known.
    """
    protocol, (backbone, described) = spec.protocol, loaded
    whitened = spec.loss == "half_whitened_pca" or (not spec.is_baseline and protocol.head_init == "half-whitened-pca")
    dim: int | None = protocol.dim
    if spec.is_baseline:
        limit = min(BASELINE_PCA_DIM, len(data.train_rows) - 1, int(backbone.num_features))  # type: ignore[arg-type]
        dim = limit if whitened else None
    embedder = Embedder(backbone, described, "average" if spec.is_baseline else protocol.pooling, dim)
    encoder = Encoder(embedder, described.preprocessing(protocol.short_side, protocol.crop))
    if whitened:
        features = cached_features(encoder, data.dataset, data.cache, cache, listener.progress)
        start_head_from_pca(embedder, features[data.train_rows])
    return encoder


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
    ) -> None:
        self.spec, self.protocol, self.world = spec, spec.protocol, world
        # A request to stop that reaches one process stops all of them at the same step.
        self.listener = replace(listener, should_stop=lambda: world.any(listener.should_stop()))
        self.embedder = encoder.embedder
        share_batch_norm(self.embedder, self.protocol, world)
        classes = int(data.labels.max()) + 1
        loss = build_loss(spec.loss, num_classes=classes, dim=self.protocol.dim, **spec.params)
        self.loss: nn.Module = loss.to(encoder.device)
        self.optimizer = build_optimizer(self.protocol, self.embedder, self.loss)
        features = None
        if self.protocol.trains == "head" and self.protocol.crop_scale == 1:
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
            losses.append(self._step(inputs, labels, step / total, figures))
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
                self._step(inputs, labels, 0, EpochFigures(1))

        least = min(len(batch), max(2 * self.protocol.samples_per_class, self.world.size))
        fitting = first_that_fits(attempt, len(batch), least)
        return (
            f"out of memory{said} at epoch {epoch}, step {done + 1}, with a batch of {len(batch)} pictures"
            f"{_kept(epoch)}. {advice(self.protocol, fitting, least)}"
        )

    def _step(self, inputs: Tensor, labels: Tensor, progress: float, figures: EpochFigures) -> float:
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


def _publish(
    spec: RunSpec,
    data: RunData,
    encoder: Encoder,
    place: Workplace,
    *,
    history: list[Event],
    listener: Listener,
) -> dict[str, Any]:
    """Embed every picture, measure, and let the finished folder appear; return the metrics."""
    encoder.embedder.eval()
    dataset, rows = data.dataset, data.measured_rows
    embeddings = _embed_all(spec, data, encoder, place.cache, listener)
    listener.progress("measure", 0, 1)
    found = near_duplicates(dataset, data.cache, (rows, data.train_rows), place.cache, listener.progress)
    measured = measure_rows(embeddings[rows], dataset, rows, measured_on=spec.measured_on).of_training(history, found)
    with published(place.out) as folder:
        write_model(folder, encoder, spec, dataset)
        write_embeddings(folder, embeddings, dataset)
        measured.store(folder)
        lines = [json.dumps(event, sort_keys=True) + "\n" for event in history]
        (folder / "history.jsonl").write_text("".join(lines))
        write_json(folder / "cost.json", cost_of(history, encoder.device))
    return measured.metrics


def _embed_all(spec: RunSpec, data: RunData, encoder: Encoder, cache: Path, listener: Listener) -> NDArray[np.float32]:
    """Embed every picture of the data set; a backbone that did not learn gives its cached features."""
    if spec.is_baseline or spec.protocol.trains == "head":
        features = cached_features(encoder, data.dataset, data.cache, cache, listener.progress)
        return encoder.embed_features(features)
    return embed_rows(encoder, data.cache, np.arange(len(data.cache)), listener.progress)
