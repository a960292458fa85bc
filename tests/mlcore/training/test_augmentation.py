"""Random views repeat for the same key and stay inside the picture."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.training.augmentation import _crop_box, random_view


def picture(height: int = 40, width: int = 60, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_key_alone_decides() -> None:
    np.random.seed(1)
    first = random_view(picture(), 32, 0.3, (0, 1, 2))
    np.random.seed(2)
    assert np.array_equal(first, random_view(picture(), 32, 0.3, (0, 1, 2)))


@pytest.mark.parametrize("key", [(1, 1, 2), (0, 2, 2), (0, 1, 3)], ids=["seed", "epoch", "picture"])
def test_each_part_of_the_key_matters(key: tuple[int, int, int]) -> None:
    assert not np.array_equal(random_view(picture(), 32, 0.3, (0, 1, 2)), random_view(picture(), 32, 0.3, key))


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 64), (64, 33), (17, 200)])
def test_a_view_has_the_asked_size_whatever_the_picture(height: int, width: int) -> None:
    for number in range(10):
        view = random_view(picture(height, width), 24, 0.16, (0, 0, number))
        assert view.shape == (24, 24, 3) and view.dtype == np.uint8


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


def test_about_half_of_the_views_are_mirrored() -> None:
    ramp = np.broadcast_to(np.arange(60, dtype=np.uint8)[None, :, None], (60, 60, 3)).copy()
    views = [random_view(ramp, 16, 0.5, (0, 0, number)).astype(int) for number in range(200)]
    mirrored = sum(bool(view[0, 0, 0] > view[0, -1, 0]) for view in views)
    assert 70 < mirrored < 130
    assert math.isclose(np.mean([view[:, 0, 0].mean() < view[:, -1, 0].mean() for view in views]), 1 - mirrored / 200)
