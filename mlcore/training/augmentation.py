"""The table of augmentations of training pictures, drawn from seed, epoch and picture, so that a resumed run repeats.

A new one is a row here and its field of Protocol, which is off at the value that `off` names.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.config import Protocol
from mlcore.images.preprocessing import Preprocessing

RATIO = math.log(4 / 3)
ATTEMPTS = 10
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """A random change of training pictures.

    field: of the protocol, how strong the change is. off: the field's value at which there is none.
    apply: returns the changed pixels [H, W, 3] of pixels [H, W, 3].
    """

    field: str
    off: float
    apply: Callable[[Pixels, Protocol, np.random.Generator], Pixels]


def random_crop(pixels: Pixels, protocol: Protocol, random: np.random.Generator) -> Pixels:
    """Return a square [crop, crop, 3], resized from a random part of the picture.

    It covers crop_scale..1 of the area at a side ratio of 3:4 to 4:3 (Szegedy et al., 2015).
    """
    box = _crop_box(pixels.shape[1], pixels.shape[0], protocol.crop_scale, random)
    size = (protocol.crop, protocol.crop)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, box=box))


def random_flip(pixels: Pixels, protocol: Protocol, random: np.random.Generator) -> Pixels:
    """Return the pixels, mirrored left to right with the protocol's probability."""
    return pixels[:, ::-1] if random.random() < protocol.horizontal_flip else pixels


AUGMENTATIONS = (
    Augmentation("crop_scale", off=1, apply=random_crop),
    Augmentation("horizontal_flip", off=0, apply=random_flip),
)
"""In the order in which they are applied; all draw from one generator, so a new one comes last."""


def active_augmentations(protocol: Protocol) -> tuple[Augmentation, ...]:
    """Return the augmentations that a protocol turns on, in their order."""
    return tuple(one for one in AUGMENTATIONS if getattr(protocol, one.field) != one.off)


def view_key(seed: int, epoch: int, picture: int, earlier: int) -> tuple[int, ...]:
    """Return what the view of a picture is drawn from; `earlier` is how often its batch has shown it before.

    A first time has no number, so that runs whose batches repeat nothing are drawn as ever.
    """
    return (seed, epoch, picture, earlier) if earlier else (seed, epoch, picture)


def random_view(pixels: Pixels, protocol: Protocol, preprocessing: Preprocessing, key: tuple[int, ...]) -> Pixels:
    """Return what the network sees in training, [crop, crop, 3], of a picture [H, W, 3] of the cache.

    Without a random crop it is the centre square of evaluation. key: see `view_key`.
    """
    random = np.random.default_rng(key)
    for augmentation in active_augmentations(protocol):
        pixels = augmentation.apply(pixels, protocol, random)
    if pixels.shape[:2] == (protocol.crop, protocol.crop):
        return pixels
    return preprocessing.pixels_of(Image.fromarray(pixels))


def _crop_box(width: int, height: int, scale: float, random: np.random.Generator) -> tuple[float, float, float, float]:
    for _ in range(ATTEMPTS):
        area = width * height * random.uniform(scale, 1)
        ratio = math.exp(random.uniform(-RATIO, RATIO))
        w, h = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if w <= width and h <= height:
            left, top = random.uniform(0, width - w), random.uniform(0, height - h)
            return left, top, left + w, top + h
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side
