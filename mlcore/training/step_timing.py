"""Times of the steps of a training: of the network, of every loss, and of the end of an epoch."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median
from typing import TypedDict

import numpy as np
import torch

from mlcore.inference.encode import Floats
from mlcore.losses import LOSSES, build_loss
from mlcore.losses.nested import nested_as
from mlcore.losses.samplers import epoch_batches
from mlcore.networks.embedder import start_head_from_pca
from mlcore.training.checkpoint import save_checkpoint
from mlcore.training.epoch_figures import EpochFigures
from mlcore.training.optim import prepare_for_epoch
from mlcore.training.run_data import Rows
from mlcore.training.setup import TrainingSetup
from mlcore.training.trainer import Trainer

TIMED = 5  # steps, after one to warm up
LONGEST_STEP = 4.0  # seconds; of a larger batch a part is timed
LOSS = "multi_similarity"  # drives the timed steps, and is then taken off them


class SecondsOfTraining(TypedDict):
    """The seconds of steps and epochs, and the number of steps by sampler: see StepTimes."""

    losses: dict[str, float]
    head_start: float
    resting_step: float
    step: float
    epoch: float
    steps: dict[str, int]


def seconds_of_training(setup: TrainingSetup) -> SecondsOfTraining:
    """Return the fields of StepTimes of steps, epochs and the start of a head.

    setup: the labels of the whole data set, and a few pictures repeated in place of the others.
    """
    losses, features, head_start = seconds_of_losses(setup), _features(setup), 0.0
    if features is not None:
        rows = features[setup.data.train_rows]
        head_start = timed(partial(start_head_from_pca, setup.encoder.embedder, rows))
    trainer = Trainer(replace(setup, features=features))
    return {
        "losses": losses,
        "head_start": head_start,
        "resting_step": max(0.0, _seconds_a_step(trainer, 1) - losses[LOSS]),
        "step": max(0.0, _seconds_a_step(trainer, setup.protocol.epochs) - losses[LOSS]),
        "epoch": timed(lambda: trainer.batches.plan(1)) + _seconds_to_keep(trainer),
        "steps": {sampler: len(_plan(setup, sampler)) for sampler in ("random", "balanced")},
    }


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def median_of(work: Callable[[], object], times: int = 3) -> float:
    """Return the median seconds of some work, after one time to warm up."""
    work()
    return median(timed(work) for _ in range(times))


def _plan(setup: TrainingSetup, sampler: str) -> list[Rows]:
    protocol = setup.protocol
    return epoch_batches(
        sampler,
        setup.data.labels,
        batches=protocol.batches_per_epoch,
        batch_size=protocol.batch_size,
        samples_per_class=protocol.samples_per_class,
        seed=setup.spec.seed,
        epoch=1,
    )


def seconds_of_losses(setup: TrainingSetup) -> dict[str, float]:
    """Return the seconds of every loss and its proxies in one batch, nested as the protocol says, without a network."""
    device, dim, data = setup.encoder.device, setup.protocol.dim, setup.data
    plans = {sampler: _plan(setup, sampler)[0] for sampler in ("random", "balanced")}
    found = {}
    for name, known in LOSSES.items():
        loss = build_loss(name, num_classes=int(data.labels.max()) + 1, dim=dim).to(device)
        loss = nested_as(setup.protocol, loss)
        labels = torch.from_numpy(data.labels[plans[known.sampler]]).to(device)
        embeddings = torch.randn(len(labels), dim, device=device, requires_grad=True)
        optimizer = torch.optim.AdamW([embeddings, *loss.parameters()])

        def step(loss: torch.nn.Module = loss, labels: torch.Tensor = labels) -> None:
            optimizer.zero_grad(set_to_none=True)  # noqa: B023  # done before the next turn
            loss(embeddings, labels).backward()  # noqa: B023
            optimizer.step()  # noqa: B023

        found[name] = median_of(step)
    return found


def _features(setup: TrainingSetup) -> Floats | None:
    """Return features [N, F] of noise where a head starts from features: what they are makes no step slower."""
    protocol = setup.protocol
    if protocol.trains != "head" and protocol.head_init != "half-whitened-pca":
        return None
    length = setup.encoder.features_of_pixels(np.zeros((1, protocol.crop, protocol.crop, 3), np.uint8)).shape[1]
    return np.random.default_rng(0).standard_normal((len(setup.data.dataset.pictures), length), np.float32)


def _seconds_a_step(trainer: Trainer, epoch: int) -> float:
    """Return the median seconds of a step of that epoch, its crops included."""
    prepare_for_epoch(trainer.protocol, trainer.embedder, epoch)
    plan = trainer.batches.plan(epoch)
    least = 2 * trainer.protocol.samples_per_class
    first = max(_steps(trainer, [plan[0][:least]] * 2, epoch)[1:])
    fitting = max(least, int(least * LONGEST_STEP / first))
    timed = _steps(trainer, [batch[:fitting] for batch in (plan * (TIMED + 1))[: TIMED + 1]], epoch)[1:]
    return median(timed) * max(1.0, len(plan[0]) / fitting)


def _steps(trainer: Trainer, plan: list[Rows], epoch: int) -> list[float]:
    seconds, begun = [], time.perf_counter()
    for inputs, labels in trainer.batches.loaded(plan, epoch):
        trainer.step(inputs, labels, 0.5, EpochFigures(len(plan)))
        seconds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    return seconds


def _seconds_to_keep(trainer: Trainer) -> float:
    manager = trainer.checkpoints
    return median_of(lambda: save_checkpoint(manager.folder, 1, manager.modules, manager.optimizer, {}), times=1)
