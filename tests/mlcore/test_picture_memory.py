"""What decoding costs: at most 300 MB of resident memory, whatever the format, mode and depth, at the largest size."""

import subprocess
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from mlcore.errors import PictureError
from mlcore.images.image_io import open_picture, open_with_size
from tests.mlcore.large_pictures import (
    Made,
    by_pillow,
    chunk,
    claimed_deep,
    exif_of,
    heic,
    jpeg,
    metadata_segments,
    png,
    rle_bmp,
    scans_apart,
    tiff,
)
from tests.mlcore.peak_memory import ROOT, decode_apart
from tests.mlcore.profiles import P3

MOST = 300  # MB
TURNED = chunk(b"eXIf", exif_of(6))
TEXT = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20 - 9), 9)) * 40

ICC = chunk(b"iCCP", b"P3\0\0" + zlib.compress(P3))
FAST = {"speed": 10, "quality": 5}

LARGEST: dict[str, tuple[Made, float]] = {
    "grey JPEG": (jpeg("L"), 60),
    "JPEG": (jpeg("RGB", subsampling=0), 60),
    "CMYK JPEG": (jpeg("CMYK"), 60),
    "CMYK JPEG that is not reduced": (jpeg("CMYK"), 25),
    "progressive JPEG": (jpeg("RGB", progressive=True), 60),
    "progressive JPEG without subsampling": (jpeg("RGB", progressive=True, subsampling=0), 42),
    "progressive CMYK JPEG": (jpeg("CMYK", progressive=True), 31),
    "JPEG in several scans": (scans_apart(jpeg("RGB", subsampling=0)), 41),
    "JPEG of a wide gamut": (jpeg("RGB", icc_profile=P3), 60),
    "JPEG with a long profile": (jpeg("RGB", progressive=True, icc_profile=P3 + bytes(3 * 2**20)), 57),
    "JPEG full of metadata": (metadata_segments(jpeg("RGB", progressive=True), 300), 55),
    "PNG of 1 bit": (png(1, 0), 60),
    "grey PNG": (png(8, 0), 60),
    "grey PNG of 16 bits": (png(16, 0), 60),
    "grey PNG with alpha": (png(8, 4), 60),
    "PNG with palette and transparency": (png(8, 3, extra=chunk(b"tRNS", b"\0\x80")), 60),
    "PNG of 16 bits a channel": (png(16, 2), 60),
    "interlaced PNG of 16 bits with alpha": (png(16, 6, interlaced=True), 60),
    "PNG that is not reduced but turned": (png(8, 6, extra=TURNED), 25),
    "PNG full of text": (png(8, 6, extra=TEXT), 60),
    "PNG of a wide gamut that is not reduced": (png(8, 6, extra=ICC), 25),
    "WebP": (by_pillow("RGB", "WEBP", method=0), 16),
    "lossless WebP with alpha": (by_pillow("RGBA", "WEBP", lossless=True, method=0, quality=0), 16),
    "AVIF": (by_pillow("RGB", "AVIF", **FAST), 28),
    "AVIF without subsampling": (by_pillow("RGB", "AVIF", subsampling="4:4:4", **FAST), 24),
    "AVIF with alpha": (by_pillow("RGBA", "AVIF", **FAST), 20),
    "grey AVIF": (by_pillow("L", "AVIF", **FAST), 58),
    "HEIC": (heic("rgb"), 58),
    "HEIC without subsampling": (heic("rgb-444"), 28),
    "HEIC of 10 bits without subsampling": (heic("rgb-444-10-bit"), 14),
    "HEIC with alpha, without subsampling": (heic("rgba-444"), 22),
    "HEIC of 10 bits": (heic("rgb-10-bit"), 36),
    "HEIC of 12 bits": (heic("rgb-12-bit"), 36),
    "HEIC with alpha": (heic("rgba"), 39),
    "grey HEIC": (heic("grey"), 58),
    "GIF with transparency": (by_pillow("P", "GIF", transparency=0), 60),
    "BMP": (by_pillow("1", "BMP"), 60),
    "run-length BMP": (rle_bmp, 55),
    "TIFF of 1 bit": (tiff((1,), 1), 60),
    "TIFF of 16 bits in one strip": (tiff((16,), 1), 60),
    "TIFF of 32 bits in one strip": (tiff((32,), 1), 30),
    "float TIFF": (by_pillow("F", "TIFF", compression="tiff_lzw"), 60),
    "tiled TIFF": (tiff((8, 8, 8), 2, tile=512), 60),
    "TIFF of 16 bits a channel in one strip": (tiff((16, 16, 16), 2), 25),
    "planar TIFF": (tiff((8, 8, 8), 2, planar=2), 50),
    "TIFF with alpha in one strip": (tiff((8,) * 4, 2), 30),
    "CMYK TIFF in one strip": (tiff((8,) * 4, 5), 30),
    "Lab TIFF in one strip": (tiff((8, 8, 8), 8), 35),
    "YCbCr TIFF": (by_pillow("YCbCr", "TIFF", compression="tiff_lzw"), 60),
    "TIFF of JPEG strips": (by_pillow("RGB", "TIFF", compression="jpeg"), 60),
    "TIFF of one JPEG strip": (by_pillow("RGB", "TIFF", compression="jpeg", strips=1), 15),
    "fax TIFF": (by_pillow("1", "TIFF", compression="group4"), 60),
}


def thinned() -> Iterator[Any]:
    """Yield the names of a few pictures of each format, and as `full` the names of its others."""
    for format_ in ("JPEG", "PNG", "WebP", "AVIF", "HEIC", "GIF", "BMP", "TIFF"):
        names = [name for name in LARGEST if format_ in name and not (format_ == "JPEG" and "TIFF" in name)]
        few = names[::3]
        yield pytest.param(few, id=format_)
        if others := [name for name in names if name not in few]:
            yield pytest.param(others, id=f"{format_}, others", marks=pytest.mark.full)


@pytest.mark.parametrize("names", thinned())
def test_every_kind_of_picture_stays_within_300_mb_at_its_largest(names: list[str]) -> None:
    made = (LARGEST[name][0](LARGEST[name][1]) for name in names)
    wrong = {
        name: decoding
        for name, decoding in zip(names, decode_apart(made), strict=True)
        if decoding.size is None or decoding.megabytes >= MOST
    }
    assert wrong == {}


def test_a_small_file_of_sixty_megapixels_of_deep_grey_stays_within_the_bound() -> None:
    data = png(16, 0)(60)
    assert len(data) < 600_000
    (decoding,) = decode_apart([data])
    assert decoding.size is not None and decoding.megabytes < MOST


@pytest.mark.parametrize(
    ("make", "megapixels"),
    [
        (by_pillow("RGB", "WEBP", method=0), 20),
        (jpeg("CMYK", progressive=True), 45),
        (by_pillow("RGB", "AVIF", **FAST), 32),
        (claimed_deep(by_pillow("RGB", "AVIF", **FAST)), 27),
        (tiff((16,) * 4, 2), 30),
        (png(8, 6), 61),
    ],
)
def test_what_would_take_more_is_refused_before_it_is_decoded(make: Made, megapixels: float) -> None:
    (decoding,) = decode_apart([make(megapixels)])
    assert "megapixels" in decoding.refusal and decoding.megabytes < 60


@pytest.mark.parametrize("subsampling", [0, 2])
def test_a_photo_of_fifty_megapixels_is_reduced_and_keeps_its_size_in_mind(subsampling: int) -> None:
    opened = open_with_size(jpeg("RGB", subsampling=subsampling)(50))
    assert opened.full_size == (7071, 7071) and opened.image.size == (3536, 3536)


def test_a_turned_photo_tells_its_upright_size() -> None:
    opened = open_with_size(png(8, 2, extra=TURNED, height=40)(0.01))
    assert opened.full_size == opened.image.size == (40, 100)


def test_a_damaged_large_jpeg_is_refused_though_it_is_reduced() -> None:
    data = jpeg("RGB")(26)
    with pytest.raises(PictureError, match="damaged"):
        open_picture(data[: len(data) // 2])


AFTERWARDS = """
from concurrent.futures import ThreadPoolExecutor
from mlcore.images.image_io import encode_jpeg, open_picture, thumbnail
from tests.mlcore.large_pictures import jpeg, png
from tests.mlcore.peak_memory import resident

def read(data):
    encode_jpeg(thumbnail(open_picture(data), 1024))

read(jpeg("RGB")(0.1))
pictures = [png(16, 0)(40), png(8, 6)(40), jpeg("RGB", progressive=True)(40)] * 2
before = resident()
with ThreadPoolExecutor(2) as two:
    list(two.map(read, pictures))
print(resident() - before)
"""


def test_memory_goes_back_after_large_pictures() -> None:
    told = subprocess.run([sys.executable, "-c", AFTERWARDS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(told.stdout) < 200
