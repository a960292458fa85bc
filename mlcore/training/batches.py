"""The batches of a run: cropped pictures, or cached features."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlcore.inference.encode import evaluation_pixels
from mlcore.losses import loss_spec
from mlcore.losses.samplers import epoch_batches, occurrences
from mlcore.training.augmentation import active_augmentations, random_view, view_key
from mlcore.training.run_data import Rows
from mlcore.training.setup import TrainingSetup


class Batches:
    """The batches of a run: cropped pictures, or features when only the head learns."""

    def __init__(self, setup: TrainingSetup) -> None:
        """Prepare to load; where the setup has features, batches are made of them."""
        self.protocol, self.data, self.encoder, self.group = setup.protocol, setup.data, setup.encoder, setup.group
        self.spec = setup.spec
        # A GPU eats more crops than one thread makes (about 700 a second); a CPU that trains has no core to spare.
        self.crop_threads = 1 if self.encoder.device.type == "cpu" else len(os.sched_getaffinity(0))
        self.features = None
        if setup.features is not None:
            self.features = torch.from_numpy(setup.features[self.data.train_rows]).to(self.encoder.device)

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
        device = self.encoder.device
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(self.crop_threads) as croppers:
            coming = ahead.submit(self._load, plan[0], epoch, croppers)
            for number, chosen in enumerate(plan):
                inputs = coming.result()
                if number + 1 < len(plan):
                    coming = ahead.submit(self._load, plan[number + 1], epoch, croppers)
                yield inputs, torch.from_numpy(self.data.labels[chosen]).to(device)

    def _load(self, batch: Rows, epoch: int, croppers: Executor) -> Tensor:
        chosen = self.group.own_part(batch)
        if self.features is not None:
            return self.features[torch.from_numpy(chosen).to(self.features.device)]
        earlier = self.group.own_part(occurrences(batch))
        return self.encoder.normalised(self._views(self.data.train_rows[chosen], earlier, epoch, croppers))

    def _views(self, rows: Rows, earlier: Rows, epoch: int, croppers: Executor) -> NDArray[np.uint8]:
        protocol, preprocessing, cache = self.protocol, self.encoder.preprocessing, self.data.cache
        if not active_augmentations(protocol):
            return evaluation_pixels(cache, rows, preprocessing)
        pictures = self.data.dataset.ids[rows].tolist()
        keys = [view_key(self.spec.seed, epoch, *shown) for shown in zip(pictures, earlier.tolist(), strict=True)]
        views = croppers.map(lambda row, key: random_view(cache[row], protocol, preprocessing, key), rows, keys)
        return np.stack(list(views))

    def embeddings(self, inputs: Tensor) -> Tensor:
        """Return float32 embeddings [B, dim] of a loaded batch; the backbone may run in bfloat16."""
        embedder, low = self.encoder.embedder, self.protocol.precision == "bfloat16"
        if self.features is None:
            with torch.autocast(inputs.device.type, torch.bfloat16, enabled=low):
                inputs = embedder.features(inputs)
        embeddings: Tensor = embedder.head(inputs)
        return embeddings
