"""One preprocessing for training, evaluation, gallery and query."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mlcore.errors import ProtocolError
from mlcore.images.preprocessing import Preprocessing, check_scaling

PREPROCESSING = Preprocessing(32, 24, (0.5, 0.4, 0.3), (0.2, 0.2, 0.3))


def picture(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(32, 32), (32, 64), (200, 33), (8, 9)])
def test_a_picture_of_any_size_becomes_the_square(size: tuple[int, int]) -> None:
    pixels = PREPROCESSING.pixels_of(picture(*size))
    assert pixels.shape == (24, 24, 3) and pixels.dtype == np.uint8


def test_a_picture_of_the_right_short_side_is_only_cut() -> None:
    image = picture(40, 32)
    assert np.array_equal(PREPROCESSING.pixels_of(image), np.asarray(image)[4:28, 8:32])


def test_a_picture_is_resized_as_the_weights_are_used_to() -> None:
    image, bilinear = picture(64, 64), replace(PREPROCESSING, interpolation="bilinear")
    expected = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))[4:28, 4:28]
    assert np.array_equal(bilinear.pixels_of(image), expected)
    assert not np.array_equal(PREPROCESSING.pixels_of(image), expected)


def test_an_unknown_interpolation_is_refused() -> None:
    with pytest.raises(ProtocolError, match="interpolation must be one of bicubic, bilinear; got 'random'"):
        replace(PREPROCESSING, interpolation="random")


def test_what_was_stored_without_an_interpolation_was_bicubic() -> None:
    stored = PREPROCESSING.to_json()
    del stored["interpolation"]
    assert Preprocessing.from_json(stored) == PREPROCESSING


def test_several_pictures_become_one_array() -> None:
    images = [picture(32, 40), picture(50, 32)]
    pixels = PREPROCESSING.pixels(images)
    assert pixels.shape == (2, 24, 24, 3)
    assert np.array_equal(pixels[1], PREPROCESSING.pixels_of(images[1]))


def test_it_comes_back_from_json() -> None:
    again = Preprocessing.from_json(json.loads(json.dumps(PREPROCESSING.to_json())))
    assert again == PREPROCESSING and again.fingerprint == PREPROCESSING.fingerprint


@pytest.mark.parametrize(
    "change",
    [{"short_side": 33}, {"crop": 23}, {"mean": (0.5, 0.4, 0.31)}, {"std": (0.2,) * 3}, {"interpolation": "bilinear"}],
)
def test_another_preprocessing_has_another_fingerprint(change: dict[str, object]) -> None:
    assert replace(PREPROCESSING, **change).fingerprint != PREPROCESSING.fingerprint  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((127.5,) * 3, (127.5,) * 3),
        ((0.5, 1.01, 0.5), (0.5,) * 3),
        ((0.5,) * 3, (0.2, 0.0, 0.2)),
        ((0.0,) * 3, (255.0,) * 3),
    ],
)
def test_scaling_that_is_of_bytes_or_of_nothing_is_refused(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(ProtocolError, match="Divide those of bytes by 255"):
        check_scaling(mean, std)


@pytest.mark.parametrize(
    ("mean", "std"),
    [((0.0,) * 3, (1.0,) * 3), ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), ((0.0,) * 3, (1 / 255,) * 3)],
)
def test_every_usual_scaling_is_taken(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    check_scaling(mean, std)
