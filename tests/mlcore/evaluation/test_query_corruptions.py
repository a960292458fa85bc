"""Altered queries: fixed strengths, the same for every run, and each does what its name says."""

import numpy as np
import pytest

from mlcore.evaluation.query_corruptions import BRIGHT, CORRUPTIONS, DARK, corrupted

IDS = np.array([4, 9, 11])


def squares(side: int = 48) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_kind_keeps_the_shape_repeats_and_depends_on_nothing_but_picture_and_id(kind: str) -> None:
    before = squares()
    altered = corrupted(before, kind, IDS)
    assert altered.shape == before.shape and altered.dtype == np.uint8 and not np.array_equal(altered, before)
    assert np.array_equal(before, squares())
    assert np.array_equal(corrupted(before[1:], kind, IDS[1:]), altered[1:])


def test_only_the_place_of_a_crop_is_random() -> None:
    same = np.repeat(squares()[:1], 3, axis=0)
    for kind in CORRUPTIONS:
        first, *others = corrupted(same, kind, IDS)
        assert all(np.array_equal(first, other) for other in others) == (kind != "crop")


def test_light_and_detail_change_as_they_are_called() -> None:
    grey = np.full((3, 32, 32, 3), 100, np.uint8)
    assert corrupted(grey, "dark", IDS).mean() == pytest.approx(100 * DARK, abs=1)
    assert corrupted(grey, "bright", IDS).mean() == pytest.approx(100 * BRIGHT, abs=1)
    noise = squares()
    assert corrupted(noise, "blur", IDS).std() < 0.6 * noise.std()
    assert np.array_equal(corrupted(grey, "crop", IDS), grey)
    halves = np.zeros((3, 40, 40, 3), np.uint8)
    halves[:, :, 20:] = 200
    assert 0.2 * 200 < corrupted(halves, "crop", IDS).mean() < 0.8 * 200
    assert 1 < np.abs(corrupted(noise, "jpeg", IDS).astype(int) - noise).mean() < 100
