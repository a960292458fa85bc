"""Colours come out as meant: by an embedded profile, and by the numbers where there is none that can be used."""

import io
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from mlcore.images import colour_profiles, image_strips
from mlcore.images.colour_profiles import plain_colours, srgb_colours
from mlcore.images.image_io import open_picture
from tests.mlcore.profiles import ADOBE, P3, PROPHOTO, SRGB, grey_profile, written_in

LEFT, RIGHT = (180, 60, 60), (60, 160, 60)


def meant() -> Image.Image:
    image = Image.new("RGB", (64, 64), LEFT)
    image.paste(RIGHT, (32, 0, 64, 64))
    return image


def opened(image: Image.Image, kind: str, **options: Any) -> np.ndarray:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return np.asarray(open_picture(buffer.getvalue())).astype(int)


def farthest(pixels: np.ndarray) -> int:
    return int(max(np.abs(pixels[5, 5] - LEFT).max(), np.abs(pixels[5, 60] - RIGHT).max()))


@pytest.mark.parametrize("profile", [P3, ADOBE, PROPHOTO], ids=["Display P3", "Adobe RGB", "ProPhoto"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("TIFF", {}),
        ("JPEG", {"quality": 98, "subsampling": 0}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
        ("HEIF", {"quality": 98, "chroma": 444}),
    ],
)
def test_wide_gamut_is_converted_in_every_format(kind: str, options: dict[str, Any], profile: bytes) -> None:
    pillow_heif.register_heif_opener()
    wide = written_in(meant(), profile)
    assert farthest(np.asarray(wide).astype(int)) > 8
    assert farthest(opened(wide, kind, icc_profile=profile, **options)) <= 6  # lossy formats round twice


def test_palette_and_transparency_are_converted_before_they_are_laid_on_white() -> None:
    wide = written_in(meant(), P3)
    assert farthest(opened(wide.quantize(4, dither=Image.Dither.NONE), "PNG", icc_profile=P3)) <= 2
    half = wide.copy()
    half.putalpha(Image.new("L", half.size, 0))
    assert opened(half, "PNG", icc_profile=P3).min() == 255


def test_grey_is_converted_by_a_profile_of_grey_and_by_one_of_colours() -> None:
    grey = Image.new("L", (32, 32), 128)
    assert opened(grey, "PNG", icc_profile=grey_profile(1.0))[0, 0].tolist() == [188] * 3
    assert opened(grey, "PNG", icc_profile=PROPHOTO)[0, 0].tolist() == pytest.approx([147] * 3, abs=2)
    deep = Image.fromarray(np.full((32, 32), 128 * 257, np.uint16))
    assert opened(deep, "PNG", icc_profile=grey_profile(1.0))[0, 0].tolist() == [188] * 3


def test_srgb_and_no_profile_leave_every_pixel() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    for options in ({}, {"icc_profile": SRGB}):
        assert np.array_equal(opened(noise, "PNG", **options), np.asarray(noise))
    assert srgb_colours(SRGB, "RGB") is srgb_colours(None, "RGB") is plain_colours


@pytest.mark.parametrize(
    ("profile", "mode"),
    [
        (b"", "RGB"),
        (b"no profile at all", "RGB"),
        (P3[:200], "RGB"),
        (P3[:128] + bytes(len(P3) - 128), "RGB"),
        (P3, "CMYK"),
        (P3, "LAB"),
        (grey_profile(1.0), "RGB"),
        ("text", "RGB"),
        (bytes(colour_profiles.MOST_BYTES + 1), "RGB"),
    ],
)
def test_profile_that_cannot_be_used_is_passed_over(profile: object, mode: str) -> None:
    assert srgb_colours(profile, mode) is plain_colours


def test_damaged_profile_does_not_cost_the_picture() -> None:
    random = np.random.default_rng(3)
    for _ in range(200):
        profile = bytearray(P3)
        for place in random.integers(0, len(profile), 8):
            profile[place] = random.integers(0, 256)
        assert opened(meant(), "PNG", icc_profile=bytes(profile)).shape == (64, 64, 3)


def test_strips_are_converted_as_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = written_in(meant(), P3)
    once = opened(wide, "PNG", icc_profile=P3)
    monkeypatch.setattr(image_strips, "_STRIP_PIXELS", 300)
    assert np.array_equal(opened(wide, "PNG", icc_profile=P3), once)
