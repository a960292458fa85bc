"""Pictures as people have them: every format, every way to be broken."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from mlcore.errors import PictureError
from mlcore.images import image_strips
from mlcore.images.image_io import (
    MAX_BYTES,
    centre_crop,
    encode_jpeg,
    open_picture,
    resize_short_side,
    thumbnail,
)
from mlcore.images.image_strips import plain_rgb, rows_of

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(width: int = 40, height: int = 30, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def quartered(width: int = 64, height: int = 32) -> Image.Image:
    """A picture with red at the top left and blue at the top right, the rest white."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(BLUE, (width // 2, 0, width, height // 2))
    return image


def png_of_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def near(pixel: object, colour: tuple[int, int, int], within: int = 12) -> bool:
    return all(abs(a - b) <= within for a, b in zip(pixel, colour, strict=True))  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    image = quartered()
    assert np.array_equal(np.asarray(open_picture(saved(image, kind))), np.asarray(image))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "HEIF"])
def test_lossy_formats_come_out_nearly_alike(kind: str) -> None:
    pillow_heif.register_heif_opener()
    image = open_picture(saved(quartered(), kind, quality=95))
    assert image.mode == "RGB"
    assert image.size == (64, 32)
    assert near(image.getpixel((8, 4)), RED)
    assert near(image.getpixel((56, 4)), BLUE)


def test_format_is_found_by_content_whatever_else_pillow_could_read() -> None:
    with pytest.raises(PictureError, match="not a picture in JPEG, PNG"):
        open_picture(saved(noise(), "PPM"))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"this is a text file named .jpg\n" * 40, "not a picture"),
        (b"\xff\xd8\xff\xe0", "damaged|not a picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged|not a picture"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "damaged|not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(PictureError, match=sentence):
        open_picture(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF", "HEIF"])
def test_truncated_picture_is_refused_not_filled_with_grey(kind: str) -> None:
    pillow_heif.register_heif_opener()
    data = saved(noise(200, 200), kind)
    with pytest.raises(PictureError, match="damaged"):
        open_picture(data[: len(data) // 2])


def test_bytes_above_the_bound_are_refused_before_pillow_sees_them() -> None:
    with pytest.raises(PictureError, match=r"has 50 MB; at most 25 MB"):
        open_picture(bytes(50 * 2**20))
    assert MAX_BYTES == 25 * 2**20


def test_callers_byte_bound_holds() -> None:
    data = saved(noise(), "PNG")
    open_picture(data, max_bytes=len(data))
    with pytest.raises(PictureError, match="at most"):
        open_picture(data, max_bytes=len(data) - 1)


@pytest.mark.parametrize("size", [(20_000, 20_000), (9_000, 9_000), (60_000, 60_000)])
def test_decompression_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="at most 60 megapixels|too many pixels"):
        open_picture(png_of_size(*size))


def test_callers_pixel_bound_holds() -> None:
    with pytest.raises(PictureError, match="40 x 30 px; at most 0.0011 megapixels"):
        open_picture(saved(noise(), "PNG"), max_pixels=1_100)


def test_side_that_jpeg_could_not_store_is_refused() -> None:
    with pytest.raises(PictureError, match="65500 px on a side"):
        open_picture(png_of_size(70_000, 100))


def test_gif_whose_frame_is_larger_than_its_screen_stays_bounded() -> None:
    data = bytearray(saved(noise(), "GIF"))
    screen = data.index(b",", 13 + 3 * 256)  # the frame's descriptor follows the palette
    data[screen + 5 : screen + 9] = struct.pack("<HH", 60_000, 60_000)
    with pytest.raises(PictureError):
        open_picture(bytes(data))


def test_small_tiff_made_of_a_huge_tile_is_refused() -> None:
    tiles = {322: 60_000, 323: 60_000, 324: 8, 325: 8}
    tags = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, **tiles}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    with pytest.raises(PictureError, match="tiles of 60000 x 60000"):
        open_picture(data)


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_picture_too_small_to_recognise_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="smaller than 16 px"):
        open_picture(saved(Image.new("RGB", size), "PNG"))


def test_smallest_picture_is_read() -> None:
    assert open_picture(saved(noise(16, 16), "PNG")).size == (16, 16)


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert near(open_picture(data).getpixel((5, 5)), RED), kind


def test_phone_jpeg_of_several_pictures_gives_the_first() -> None:
    data = saved(Image.new("RGB", (32, 32), RED), "MPO", save_all=True, append_images=[Image.new("RGB", (32, 32))])
    assert near(open_picture(data).getpixel((5, 5)), RED)


def test_cmyk_jpeg_keeps_its_colours() -> None:
    data = saved(quartered().convert("CMYK"), "JPEG", quality=95)
    image = open_picture(data)
    assert image.mode == "RGB"
    assert near(image.getpixel((8, 4)), RED, within=25)
    assert near(image.getpixel((8, 28)), WHITE, within=25)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    ramp = np.tile(np.linspace(0, 65_535, 64).astype(np.uint16), (32, 1))
    image = np.asarray(open_picture(saved(Image.fromarray(ramp), kind)))
    expected = np.rint(ramp / 257).astype(np.uint8)
    assert np.array_equal(image, np.repeat(expected[:, :, None], 3, axis=2))


def test_float_tiff_is_stretched_between_its_extremes() -> None:
    ramp = np.tile(np.linspace(-3.0, 5.0, 64, dtype=np.float32), (32, 1))
    ramp[0, 0] = np.nan
    image = np.asarray(open_picture(saved(Image.fromarray(ramp), "TIFF")))
    assert image[1, 0, 0] == 0
    assert image[1, 63, 0] == 255
    assert abs(int(image[1, 32, 0]) - 129) <= 1


def test_even_deep_picture_does_not_divide_by_zero() -> None:
    flat = np.full((20, 20), 2.5, dtype=np.float32)
    assert open_picture(saved(Image.fromarray(flat), "TIFF")).getpixel((3, 3)) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_laid_on_white(kind: str) -> None:
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 16, 32))
    options = {"lossless": True} if kind == "WEBP" else {}
    opened = open_picture(saved(image, kind, **options))
    assert opened.getpixel((4, 4)) == RED
    assert opened.getpixel((28, 4)) == WHITE


def test_palette_with_a_transparent_colour_is_laid_on_white() -> None:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (0, 0, 16, 32))
    opened = open_picture(saved(image, "PNG", transparency=0))
    assert opened.getpixel((4, 4)) == RED
    assert opened.getpixel((28, 4)) == WHITE


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "YCbCr"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "YCbCr" else "PNG"
    assert open_picture(saved(noise().convert("RGB").convert(mode), kind)).mode == "RGB"


UNDONE: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p.transpose(1, 0, 2), 2),
    8: lambda p: np.rot90(p, -1),
}
"""How a camera lays an upright picture down for each value of EXIF's orientation."""


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = np.asarray(quartered())
    lying = Image.fromarray(np.ascontiguousarray(UNDONE[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(np.asarray(open_picture(saved(lying, "PNG", exif=exif))), upright)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_container_that_turns_its_picture_turns_it_once_not_twice(kind: str) -> None:
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    image = open_picture(saved(quartered(), kind, exif=exif.tobytes(), quality=95))
    assert image.size == (32, 64) and near(image.getpixel((28, 8)), RED) and near(image.getpixel((28, 56)), BLUE)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_file_that_names_only_the_common_container_is_read(kind: str) -> None:
    pillow_heif.register_heif_opener()
    data = saved(quartered(), kind, quality=95)
    assert near(open_picture(data[:8] + b"mif1" + data[12:]).getpixel((8, 4)), RED)


def test_damaged_exif_does_not_cost_the_picture() -> None:
    data = saved(noise(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    assert open_picture(data).size == (40, 30)


def test_metadata_is_dropped_on_opening_and_on_encoding() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    data = saved(noise(), "JPEG", exif=exif, comment=b"SecretComment", icc_profile=b"SecretProfile" * 20)
    assert data.count(b"Secret") > 2
    image = open_picture(data)
    assert image.info == {}
    assert not image.getexif()
    image.info["comment"] = b"SecretComment"
    assert b"Secret" not in encode_jpeg(image)


def test_encoding_is_repeatable_and_close() -> None:
    image = quartered()
    data = encode_jpeg(image)
    assert data == encode_jpeg(image)
    assert near(open_picture(data).getpixel((8, 4)), RED)
    assert len(encode_jpeg(noise(100, 100), quality=30)) < len(encode_jpeg(noise(100, 100), quality=95))


@pytest.mark.parametrize(
    ("size", "expected"),
    [((40, 30), (27, 20)), ((30, 40), (20, 27)), ((20, 20), (20, 20)), ((200, 30), (40, 20)), ((16, 900), (20, 40))],
)
def test_short_side_is_met_and_the_long_one_is_bounded(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert resize_short_side(Image.new("RGB", size), 20).size == expected


def test_picture_that_has_the_short_side_already_is_left_alone() -> None:
    image = noise(50, 30)
    assert resize_short_side(image, 30) is image


def test_panorama_is_cut_at_its_centre_without_resampling() -> None:
    image = noise(100, 20)
    cut = resize_short_side(image, 20)
    assert np.array_equal(np.asarray(cut), np.asarray(image)[:, 30:70])


def test_centre_crop_takes_the_middle() -> None:
    image = noise(50, 30)
    assert np.array_equal(np.asarray(centre_crop(image, 20)), np.asarray(image)[5:25, 15:35])
    assert centre_crop(image, 30).size == (30, 30)


def test_centre_crop_larger_than_the_picture_is_an_error() -> None:
    with pytest.raises(ValueError, match="31 px from 50 x 30"):
        centre_crop(noise(50, 30), 31)


def test_thumbnail_bounds_the_longer_side_and_leaves_the_original() -> None:
    image = noise(80, 40)
    assert thumbnail(image, 20).size == (20, 10)
    assert image.size == (80, 40)
    assert thumbnail(image, 500).size == (80, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF"])
def test_random_damage_gives_a_picture_or_a_sentence_never_a_crash(kind: str) -> None:
    pillow_heif.register_heif_opener()
    whole = saved(quartered(), kind)
    rng = np.random.default_rng(7)
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 6):
            data[place] = rng.integers(0, 256)
        try:
            assert open_picture(bytes(data), max_pixels=10**6).mode == "RGB"
        except PictureError as error:
            assert str(error)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "CMYK", "1"])
def test_strips_give_what_the_whole_picture_would(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(70, 50).convert(mode)
    once = plain_rgb(rows_of(image), image.size, 1)
    monkeypatch.setattr(image_strips, "_STRIP_PIXELS", 300)
    assert np.array_equal(np.asarray(plain_rgb(rows_of(image), image.size, 1)), np.asarray(once))
    reduced = plain_rgb(rows_of(image), image.size, 3)
    assert np.array_equal(np.asarray(reduced), np.asarray(once.reduce(3))) and reduced.size == (24, 17)


def test_a_deep_picture_in_strips_is_stretched_between_the_extremes_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_strips, "_STRIP_PIXELS", 64)
    ramp = np.tile(np.linspace(-3.0, 5.0, 32, dtype=np.float32)[:, None], (1, 20))
    image = np.asarray(open_picture(saved(Image.fromarray(ramp), "TIFF")))
    assert (image[0, 0, 0], image[31, 0, 0]) == (0, 255) and abs(int(image[16, 0, 0]) - 131) <= 2


def test_every_value_of_sixteen_bits_is_rounded_to_the_nearest() -> None:
    every = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    image = np.asarray(open_picture(saved(Image.fromarray(every), "PNG")))[:, :, 0]
    assert np.array_equal(image, np.rint(every / 257).astype(np.uint8))
