"""Near-duplicates on drawn butterflies: the same picture in another guise is found, another picture is not."""

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from mlcore.datasets import open_source
from mlcore.evaluation.near_duplicates import FINE, find_near_duplicates, near_duplicates


class Pixels(list):
    """Stands for a cache: what near-duplicates need is pixels by row."""


def squeezed(image):
    stream = BytesIO()
    image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(stream, "JPEG", quality=50)
    return Image.open(stream)


GUISES = {
    "squeezed": squeezed,
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


@pytest.fixture(scope="module")
def drawn():
    with open_source("wings:species=4,per_class=3,size=96") as source:
        return [Image.open(BytesIO(item.read())).convert("RGB") for item in source.items]


@pytest.mark.parametrize("guise", GUISES.values(), ids=GUISES)
def test_a_picture_in_another_guise_is_found(drawn, guise):
    pixels = Pixels(np.asarray(image) for image in [*drawn, guise(drawn[2])])
    (found,) = find_near_duplicates(pixels, np.array([len(drawn)]), np.arange(len(drawn)))
    assert found[:2] == (len(drawn), 2)
    assert found[2] >= FINE


def test_different_pictures_and_even_ones_are_not_near_duplicates(drawn):
    even = np.full((96, 96, 3), 200, np.uint8)
    pixels = Pixels([*(np.asarray(image) for image in drawn), even, even])
    half = len(drawn) // 2
    measured = np.array([*range(half, len(drawn)), len(drawn)])
    trained = np.array([*range(half), len(drawn) + 1])
    assert find_near_duplicates(pixels, measured, trained) == []


def test_what_was_found_is_kept_by_id_and_not_looked_for_again(drawn, wings, tmp_path):
    pictures = (replace(row, id=row.id + 100) for row in wings.pictures[: len(drawn)])
    dataset = replace(wings, pictures=tuple(pictures))
    pixels = Pixels(np.asarray(image) for image in drawn)
    pixels[-1] = pixels[1]
    rows = np.array([len(drawn) - 1]), np.arange(len(drawn) - 1)
    found = near_duplicates(dataset, pixels, rows, tmp_path)
    assert [(pair.measured, pair.trained, pair.correlation) for pair in found] == [(99 + len(drawn), 101, 1.0)]
    pixels[-1] = pixels[2]  # would be found, were it looked at
    assert near_duplicates(dataset, pixels, rows, tmp_path) == found
    assert near_duplicates(dataset, pixels, (rows[0], rows[1][:1]), tmp_path) == []


def test_stopping_is_heard_while_looking(drawn):
    def stop(phase: str, done: int, total: int) -> None:
        raise InterruptedError(phase)

    with pytest.raises(InterruptedError, match="near-duplicates"):
        find_near_duplicates(Pixels(np.asarray(image) for image in drawn), np.arange(2), np.arange(2), progress=stop)
