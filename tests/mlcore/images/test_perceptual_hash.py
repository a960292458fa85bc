"""Looks: what is the same picture, and what is not."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from mlcore.images.perceptual_hash import COARSE_SIDE, coarse_fields, near_duplicate_matrix, perceptual_hash


def picture(seed: int, size: int = 96) -> Image.Image:
    fields = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(fields).resize((size, size), Image.Resampling.BICUBIC)


def look(image: Image.Image) -> bytes:
    return perceptual_hash(np.asarray(image))


def test_a_stored_look_is_256_bytes_and_says_what_the_exact_one_does() -> None:
    stored = look(picture(1))
    row = np.frombuffer(stored, np.int8).astype(np.float64)
    assert len(stored) == COARSE_SIDE**2 and np.abs(row).max() == 127
    assert row @ coarse_fields(np.asarray(picture(1))) / np.linalg.norm(row) > 0.9999


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((40, 40)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        ImageOps.mirror,
        lambda image: image.convert("L").convert("RGB"),
    ],
    ids=["smaller", "darker", "mirrored", "grey"],
)
def test_the_same_picture_otherwise_is_alike(change: object) -> None:
    changed = change(picture(1))  # type: ignore[operator]
    assert near_duplicate_matrix([look(picture(1)), look(changed), look(picture(2))]).tolist() == [
        [True, True, False],
        [True, True, False],
        [False, False, True],
    ]


def test_an_even_picture_is_like_none_not_even_itself() -> None:
    even = look(Image.new("RGB", (32, 32), (90, 120, 30)))
    assert even == bytes(256) and not near_duplicate_matrix([even, even]).any()
