"""Random crops and flips, drawn from (seed, epoch, picture), so that a resumed run repeats them."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RATIO = math.log(4 / 3)
ATTEMPTS = 10


def random_view(pixels: NDArray[np.uint8], size: int, scale: float, key: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return a [size, size, 3] view of pixels [H, W, 3]: a random crop, resized, perhaps mirrored.

    The crop covers scale..1 of the area at a side ratio of 3:4 to 4:3 (Szegedy et al., 2015);
    key is (seed, epoch, picture's id).
    """
    random = np.random.default_rng(key)
    box = _crop_box(pixels.shape[1], pixels.shape[0], scale, random)
    image = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR, box=box)
    view = np.asarray(image)
    return view[:, ::-1] if random.random() < 0.5 else view


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
