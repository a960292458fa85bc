"""Altered queries: a short list of what happens to pictures on their way, each with one fixed strength.

The kinds are from ImageNet-C (Hendrycks & Dietterich, ICLR 2019) but for the crop; the strengths are this project's.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

BLUR_SHARE = 0.015
CROP_AREA = 0.5
JPEG_QUALITY = 10
DARK, BRIGHT = 0.4, 1.8


@dataclass(frozen=True)
class Corruption:
    """A kind of alteration: what is done to the square that the network would see; `apply` keeps its size."""

    title: str
    meaning: str
    apply: Callable[[Image.Image, np.random.Generator], Image.Image]


def _blurred(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(BLUR_SHARE * image.width))


def _cropped(image: Image.Image, random: np.random.Generator) -> Image.Image:
    side = max(1, round(image.width * CROP_AREA**0.5))
    left, top = (int(place) for place in random.integers(0, image.width - side + 1, 2))
    part = image.crop((left, top, left + side, top + side))
    return part.resize(image.size, Image.Resampling.BICUBIC)


def _compressed(image: Image.Image, _: np.random.Generator) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=JPEG_QUALITY)
    return Image.open(stream).convert("RGB")


def _darkened(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(DARK)


def _brightened(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(BRIGHT)


CORRUPTIONS: Mapping[str, Corruption] = {
    "blur": Corruption("Blurred", f"Gaussian, sigma {100 * BLUR_SHARE:g} % of the side", _blurred),
    "crop": Corruption("Cropped", f"to a square at a random place, {100 * CROP_AREA:g} % of the area", _cropped),
    "jpeg": Corruption("JPEG", f"compressed with quality {JPEG_QUALITY}", _compressed),
    "dark": Corruption("Darker", f"brightness times {DARK:g}", _darkened),
    "bright": Corruption("Brighter", f"brightness times {BRIGHT:g}", _brightened),
}


def corrupted(pixels: NDArray[np.uint8], kind: str, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return squares [N, S, S, 3] altered by one of CORRUPTIONS.

    ids [N] of the pictures: what is random depends on id and kind alone, so every run is asked the same queries.
    """
    alteration, place = CORRUPTIONS[kind], list(CORRUPTIONS).index(kind)
    return np.stack(
        [
            np.asarray(alteration.apply(Image.fromarray(square), np.random.default_rng([place, int(picture)])))
            for square, picture in zip(pixels, ids, strict=True)
        ]
    )
