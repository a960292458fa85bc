"""Conversion of decoded images of every mode to 8-bit RGB, strip by strip: no second whole copy exists."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.images.colour_profiles import ToRGB, plain_colours

_STRIP_PIXELS = 2**19

Rows = Callable[[int, int], Image.Image]
"""Gives the rows from `top` to before `bottom` of a picture."""


def rows_of(image: Image.Image) -> Rows:
    """Return the rows of a picture that Pillow has decoded."""
    return lambda top, bottom: image.crop((0, top, image.width, bottom))


def plain_rgb(rows: Rows, size: tuple[int, int], factor: int, colours: ToRGB = plain_colours) -> Image.Image:
    """Return RGB, width and height divided by `factor` and rounded up, each pixel the mean of what it covers.

    colours: converts a strip to RGB. What is transparent is laid on white. Deep grey pictures are scaled to 8 bits;
    Pillow's own conversion would clip them to white.
    """
    width, height = size
    eight_bit = _eight_bit_scale(rows, size) if rows(0, 1).mode.startswith(("I", "F")) else None
    result = Image.new("RGB", (math.ceil(width / factor), math.ceil(height / factor)))
    for top, bottom in _strips(width, height, factor):
        strip = rows(top, bottom)
        plain = _on_white(strip, colours) if eight_bit is None else colours(Image.fromarray(eight_bit(strip)))
        result.paste(plain if factor == 1 else plain.reduce(factor), (0, top // factor))
    return result


def _strips(width: int, height: int, factor: int = 1) -> Iterator[tuple[int, int]]:
    """Yield first and last row of strips whose heights, but for the last, `factor` divides."""
    count = max(1, _STRIP_PIXELS // (width * factor)) * factor
    for top in range(0, height, count):
        yield top, min(top + count, height)


def _on_white(image: Image.Image, colours: ToRGB) -> Image.Image:
    """Return RGB, with whatever is transparent laid on white."""
    if not image.has_transparency_data:
        return colours(image)
    white = Image.new("RGB", image.size, "white")
    white.paste(colours(image), mask=image.convert("RGBA").getchannel("A"))
    return white


def _eight_bit_scale(rows: Rows, size: tuple[int, int]) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """Return what scales strips of a deep grey picture to 8 bits.

    16-bit modes are divided by 257. 32-bit ones have no agreed white, so values above
    16 bits, below zero or with a fraction are stretched from their minimum to their maximum.
    """
    mode = rows(0, 1).mode
    if mode.startswith("I;16"):
        return _divided
    ends = [(float(part.min()), float(part.max())) for part in (_values(rows(*strip)) for strip in _strips(*size))]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if mode == "I" and low >= 0 and high <= 65_535:
        return _divided
    scale = 255 / (high - low) if high > low else 0.0
    return lambda strip: np.rint((_values(strip) - low) * scale).astype(np.uint8)


def _divided(strip: Image.Image) -> NDArray[np.uint8]:
    """Return 16-bit values divided by 257, rounded to the nearest: there are no ties."""
    return ((np.asarray(strip).astype(np.uint32) + 128) // 257).astype(np.uint8)


def _values(strip: Image.Image) -> NDArray[np.float64]:
    """Return the values of a strip; what is no number, or infinite, counts as 0."""
    return np.nan_to_num(np.asarray(strip, dtype=np.float64), posinf=0.0, neginf=0.0)
