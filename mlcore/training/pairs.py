"""Training pictures of which no class has two: what that means for a loss that compares pictures with pictures."""

import numpy as np

from mlcore.errors import DatasetError
from mlcore.losses import loss_spec
from mlcore.training.augmentation import active_augmentations
from mlcore.training.run_data import RunData
from mlcore.training.setup import TrainingSetup


def pair_warnings(setup: TrainingSetup) -> list[str]:
    """Return a sentence if the loss needs pictures of one class and no class has two; else nothing.

    The batches then repeat each picture, and a loss pulls together what random crops make of it.

    Raises:
        DatasetError: a picture and its repetition are the same to the network, so that there is nothing to learn.
    """
    if loss_spec(setup.spec.loss).has_proxies or not _only_single_pictures(setup.data):
        return []
    classes = len(setup.data.labels)
    fault = f"none of the {classes} classes that train has two pictures, and {setup.spec.loss} learns from pairs"
    remedy = "Add pictures to the classes, or choose a loss with proxies, such as soft_triple"
    if not active_augmentations(setup.protocol):
        raise DatasetError(f"{fault}; without random crops or flips there is nothing to pull together. {remedy}")
    return [f"{fault}: it only pulls different crops of one picture together. {remedy}"]


def _only_single_pictures(data: RunData) -> bool:
    return bool(np.bincount(data.labels).max(initial=0) < 2)
