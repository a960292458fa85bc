"""Augmentations repeat for the same key, stay inside the picture, and are one table."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.config import Protocol
from mlcore.images.preprocessing import Preprocessing
from mlcore.training import augmentation
from mlcore.training.augmentation import AUGMENTATIONS, Augmentation, _crop_box, active_augmentations, random_view
from tests.mlcore.tiny import tiny_protocol

Pixels = NDArray[np.uint8]
PREPROCESSING = Preprocessing(32, 32, (0.5,) * 3, (0.5,) * 3)


def picture(height: int = 40, width: int = 60, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def view(pixels: Pixels, key: tuple[int, int, int], **changes: Any) -> Pixels:
    size = {"short_side": 32, "crop": 32, "crop_scale": 0.3}
    return random_view(pixels, tiny_protocol(**{**size, **changes}), PREPROCESSING, key)


def test_the_key_alone_decides() -> None:
    np.random.seed(1)
    first = view(picture(), (0, 1, 2))
    np.random.seed(2)
    assert np.array_equal(first, view(picture(), (0, 1, 2)))


@pytest.mark.parametrize("key", [(1, 1, 2), (0, 2, 2), (0, 1, 3)], ids=["seed", "epoch", "picture"])
def test_each_part_of_the_key_matters(key: tuple[int, int, int]) -> None:
    assert not np.array_equal(view(picture(), (0, 1, 2)), view(picture(), key))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 64), (64, 33), (17, 200)])
@pytest.mark.parametrize("changes", [{"crop_scale": 0.16}, {"crop_scale": 1, "horizontal_flip": 1}], ids=str)
def test_a_view_has_the_crop_of_the_protocol_whatever_the_picture(
    height: int, width: int, changes: dict[str, float]
) -> None:
    for number in range(10):
        seen = view(picture(height, width), (0, 0, number), **changes)
        assert seen.shape == (32, 32, 3) and seen.dtype == np.uint8


@pytest.mark.parametrize(("width", "height"), [(160, 160), (160, 320), (45, 33)])
@pytest.mark.parametrize("scale", [0.08, 0.5, 0.99])
def test_a_crop_lies_inside_and_covers_what_it_should(width: int, height: int, scale: float) -> None:
    shares = []
    for seed in range(300):
        left, top, right, bottom = _crop_box(width, height, scale, np.random.default_rng(seed))
        assert 0 <= left < right <= width + 1e-9 and 0 <= top < bottom <= height + 1e-9
        assert 3 / 4 - 1e-9 <= (right - left) / (bottom - top) <= 4 / 3 + 1e-9
        shares.append((right - left) * (bottom - top) / (width * height))
    fallback = min(width, height) / max(width, height)
    assert min(shares) >= min(scale, fallback) - 1e-9 and max(shares) <= 1 + 1e-9
    if scale == 0.08:
        assert min(shares) < 0.2, "small crops are drawn"


def test_a_thin_picture_gives_its_middle_square() -> None:
    assert _crop_box(100, 10, 0.9, np.random.default_rng(0)) == (45, 0, 55, 10)


def ramp() -> Pixels:
    """Return a square that grows brighter to the right."""
    return np.broadcast_to(np.arange(32, dtype=np.uint8)[None, :, None], (32, 32, 3)).copy()


@pytest.mark.parametrize("scale", [0.5, 1.0])
@pytest.mark.parametrize(("probability", "low", "high"), [(0, 0, 0), (0.5, 70, 130), (1, 200, 200)])
def test_so_many_views_are_mirrored_with_random_crops_or_without(
    scale: float, probability: float, low: int, high: int
) -> None:
    views = [
        view(ramp(), (0, 0, number), crop_scale=scale, horizontal_flip=probability).astype(int) for number in range(200)
    ]
    assert low <= sum(bool(seen[0, 0, 0] > seen[0, -1, 0]) for seen in views) <= high


def test_a_flip_without_a_random_crop_mirrors_the_square_of_evaluation() -> None:
    pixels = picture(32, 60)
    seen = view(pixels, (0, 0, 0), crop_scale=1, horizontal_flip=1)
    assert np.array_equal(seen[:, ::-1], PREPROCESSING.pixels_of(augmentation.Image.fromarray(pixels)))


def test_a_view_is_what_it_was_before_flips_had_a_field() -> None:
    """The crop was drawn first, then the flip, from one generator."""
    for number in range(20):
        random = np.random.default_rng((0, 1, number))
        box = _crop_box(60, 40, 0.3, random)
        image = augmentation.Image.fromarray(picture())
        before = np.asarray(image.resize((32, 32), augmentation.Image.Resampling.BILINEAR, box=box))
        before = before[:, ::-1] if random.random() < 0.5 else before
        assert np.array_equal(view(picture(), (0, 1, number)), before)


@pytest.mark.parametrize("row", AUGMENTATIONS, ids=lambda row: row.field)
def test_every_row_has_a_field_of_the_protocol_that_turns_it_off(row: Augmentation) -> None:
    assert row.field in {field.name for field in fields(Protocol)}
    on = {other.field: 0.5 for other in AUGMENTATIONS}
    assert row in active_augmentations(tiny_protocol(**on))
    assert row not in active_augmentations(tiny_protocol(**{**on, row.field: row.off}))


def test_a_new_row_is_applied_to_training_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    inverted = Augmentation("weight_decay", off=0, apply=lambda pixels, protocol, random: 255 - pixels)
    monkeypatch.setattr(augmentation, "AUGMENTATIONS", (*AUGMENTATIONS, inverted))
    usual, changed = (view(picture(), (0, 0, 0), weight_decay=value) for value in (0, 0.1))
    assert np.array_equal(changed, 255 - usual)
