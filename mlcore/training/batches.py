"""The pictures of a run, and the batches that they make."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlcore.datasets import DatasetFolder, PixelCache
from mlcore.datasets.splits import k_folds, validation_classes
from mlcore.errors import DatasetError
from mlcore.inference.encode import Encoder, evaluation_pixels
from mlcore.losses import loss_spec
from mlcore.losses.samplers import epoch_batches
from mlcore.runs import RunSpec
from mlcore.training.augment import random_view
from mlcore.training.distributed import ALONE, World

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class RunData:
    """A data set as one run sees it; no class that trains is measured or validates.

    labels: of train_rows, numbered 0..C-1 among the classes that train.
    measured_rows: of the test classes, or of the validation classes.
    """

    dataset: DatasetFolder
    cache: PixelCache
    train_rows: Rows
    labels: Rows
    measured_rows: Rows
    validation_rows: Rows

    @classmethod
    def of(cls, spec: RunSpec, dataset: DatasetFolder, cache: PixelCache) -> "RunData":
        """Split `dataset` as the run asks.

        Raises:
            DatasetError: nothing is left to measure on, no class there has two pictures, or validation
                leaves too few classes to train on.
        """
        held_out = _validation_rows(spec, dataset)
        training = np.setdiff1d(dataset.rows("train"), held_out)
        measured = held_out if spec.measured_on == "validation" else dataset.held_out
        if not len(measured):
            raise DatasetError(
                f"there are no {spec.measured_on} pictures to measure on; "
                "set validation_classes or folds in the protocol, or import the set with a test split"
            )
        watched = {spec.measured_on: measured}
        if spec.protocol.selection == "validation":
            watched["validation"] = held_out
        for name, rows in watched.items():
            _require_positives(dataset, rows, name)
        labels = np.unique(dataset.labels[training], return_inverse=True)[1].astype(np.int64)
        return cls(dataset, cache, training, labels, measured, held_out)


def _validation_rows(spec: RunSpec, dataset: DatasetFolder) -> Rows:
    protocol, training = spec.protocol, dataset.rows("train")
    labels = dataset.labels[training]
    held_out: tuple[int, ...] = ()
    if spec.fold is not None:
        held_out = k_folds(labels, protocol.folds, spec.seed)[spec.fold]
    elif protocol.validation_classes:
        held_out = validation_classes(labels, protocol.validation_classes)
    return training[np.isin(labels, held_out)]


def _require_positives(dataset: DatasetFolder, rows: Rows, name: str) -> None:
    """Refuse now what would fail after the training: pictures of which none has another of its class to find."""
    labels, asks = dataset.labels[rows], dataset.asks(rows)
    if asks is None:
        has_some = np.unique(labels, return_counts=True)[1].max(initial=0) > 1
    else:
        has_some = np.isin(labels[asks], labels[~asks]).any()
    if not has_some:
        raise DatasetError(
            f"none of the {len(rows)} {name} pictures has another of its class, so there is nothing to find; "
            "hold out other classes, or fewer folds"
        )


class Batches:
    """The batches of a run: cropped pictures, or features when only the head learns."""

    def __init__(
        self, spec: RunSpec, data: RunData, encoder: Encoder, features: Floats | None, world: World = ALONE
    ) -> None:
        """features [N, F]: of every picture, given when only the head learns and no crop is random."""
        self.spec, self.protocol, self.data, self.encoder, self.world = spec, spec.protocol, data, encoder, world
        # A GPU eats more crops than one thread makes (about 700 a second); a CPU that trains has no core to spare.
        self.crop_threads = 1 if encoder.device.type == "cpu" else len(os.sched_getaffinity(0))
        self.features = None
        if features is not None:
            self.features = torch.from_numpy(features[data.train_rows]).to(encoder.device)

    def plan(self, epoch: int) -> list[Rows]:
        """Return the batches of an epoch as positions among the training pictures."""
        return epoch_batches(
            loss_spec(self.spec.loss).sampler,
            self.data.labels,
            batches=self.protocol.batches_per_epoch,
            batch_size=self.protocol.batch_size,
            samples_per_class=self.protocol.samples_per_class,
            seed=self.spec.seed,
            epoch=epoch,
        )

    def loaded(self, plan: list[Rows], epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (inputs, labels) of each batch; the next one is prepared meanwhile.

        Inputs are those of this process's part of the batch, labels those of the whole batch.
        """
        place = self.encoder.device
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(self.crop_threads) as croppers:
            coming = ahead.submit(self._load, plan[0], epoch, croppers)
            for number, chosen in enumerate(plan):
                inputs = coming.result()
                if number + 1 < len(plan):
                    coming = ahead.submit(self._load, plan[number + 1], epoch, croppers)
                yield inputs, torch.from_numpy(self.data.labels[chosen]).to(place)

    def _load(self, batch: Rows, epoch: int, croppers: Executor) -> Tensor:
        chosen = self.world.own_part(batch)
        if self.features is not None:
            return self.features[torch.from_numpy(chosen).to(self.features.device)]
        return self.encoder.normalised(self._views(self.data.train_rows[chosen], epoch, croppers))

    def _views(self, rows: Rows, epoch: int, croppers: Executor) -> NDArray[np.uint8]:
        size, scale, cache = self.protocol.crop, self.protocol.crop_scale, self.data.cache
        if scale == 1:
            return evaluation_pixels(cache, rows, self.encoder.preprocessing)
        keys = [(self.spec.seed, epoch, int(picture)) for picture in self.data.dataset.ids[rows]]
        return np.stack(list(croppers.map(lambda row, key: random_view(cache[row], size, scale, key), rows, keys)))

    def embeddings(self, inputs: Tensor) -> Tensor:
        """Return float32 embeddings [B, dim] of a loaded batch; the backbone may run in bfloat16."""
        embedder, low = self.encoder.embedder, self.protocol.precision == "bfloat16"
        if self.features is None:
            with torch.autocast(inputs.device.type, torch.bfloat16, enabled=low):
                inputs = embedder.features(inputs)
        embeddings: Tensor = embedder.head(inputs)
        return embeddings
