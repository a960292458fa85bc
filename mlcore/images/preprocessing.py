"""Preprocessing: the same way from an image to a network's input in training, evaluation and search."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.errors import ProtocolError
from mlcore.images.image_io import INTERPOLATIONS, centre_crop, resize_short_side


def check_scaling(mean: Sequence[float], std: Sequence[float]) -> None:
    """Refuse a mean and std that are not of pixels in 0..1: a mean of 127.5 would let a network see grey only.

    Stored models keep theirs, whatever they are.

    Raises:
        ProtocolError: a mean is outside 0..1, or a std not above 0 and up to 1.
    """
    if not all(0 <= value <= 1 for value in mean) or not all(0 < value <= 1 for value in std):
        raise ProtocolError(
            f"mean must lie in 0..1 and std above 0 and up to 1, for pixels in 0..1; got mean {list(mean)} and std "
            f"{list(std)}. Divide those of bytes by 255"
        )


@dataclass(frozen=True)
class Preprocessing:
    """Resize of the short side, centre crop (both pixels), then (x / 255 - mean) / std.

    mean and std are per channel, RGB, in 0..1. interpolation: what the weights were trained with.

    Raises:
        ProtocolError: the interpolation is unknown.
    """

    short_side: int
    crop: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"

    def __post_init__(self) -> None:
        """Refuse an interpolation that pictures cannot be resized with."""
        if self.interpolation not in INTERPOLATIONS:
            raise ProtocolError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}; got {self.interpolation!r}")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Preprocessing":
        """Return what `to_json` stored."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256, equal only for equal preprocessing."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def pixels_of(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the square [crop, crop, 3] that the network sees of an RGB picture of any size."""
        resized = resize_short_side(image, self.short_side, self.interpolation)
        return np.asarray(centre_crop(resized, self.crop))

    def pixels(self, images: Sequence[Image.Image]) -> NDArray[np.uint8]:
        """Return the squares of several pictures, [N, crop, crop, 3]."""
        return np.stack([self.pixels_of(image) for image in images])
