"""A file of a format that is not read is named, with what to do; nothing is read by its preview."""

import io
import struct

import pytest
from PIL import Image, TiffImagePlugin

from mlcore.errors import PictureError
from mlcore.images.image_io import open_picture

PADDING = bytes(64)


def box(kind: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + kind + PADDING


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\x0a" + PADDING, "JPEG XL, which is not read; save it as JPEG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + PADDING, "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + PADDING, "JPEG 2000"),
        (box(b"crx "), r"raw camera file \(Canon CR3\).*develop it"),
        (b"II*\0\x10\0\0\0CR\2\0" + PADDING, r"Canon CR2"),
        (b"FUJIFILMCCD-RAW 0201" + PADDING, "Fujifilm RAF"),
        (b"IIU\0" + PADDING, "Panasonic RW2"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", r"vector graphic \(SVG\)"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- drawn -->\n<SVG width='3'></SVG>", r"SVG"),
        (b"\n<!DOCTYPE html><title>404</title>", "web page.*save the picture itself"),
        (b"%PDF-1.7" + PADDING, "PDF document"),
        (box(b"isom"), "a video.*single frames"),
        (box(b"qt  "), "a video"),
        (b"\x1a\x45\xdf\xa3" + PADDING, "a video"),
        (b"RIFF\0\0\0\0AVI LIST" + PADDING, "a video"),
        (b"8BPS\0\1" + PADDING, "Photoshop"),
        (b"PK\3\4" + PADDING, "archive"),
        (PADDING * 2 + b"DICM", "DICOM"),
    ],
)
def test_format_that_is_not_read_is_named_with_a_way_out(data: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=words):
        open_picture(data)


@pytest.mark.parametrize("data", [b"notes about <svg > pictures", box(b"heic"), box(b"avif"), b"P6 9 9 255\n", PADDING])
def test_what_is_not_known_is_given_no_name(data: bytes) -> None:
    with pytest.raises(PictureError, match=r"is not a picture in JPEG|damaged"):
        open_picture(data)


def preview(**tags: tuple[int, int, object]) -> bytes:
    """Return a TIFF of 32 x 24 px with more tags: name=(number, type, value)."""
    more = TiffImagePlugin.ImageFileDirectory_v2()
    for number, kind, value in tags.values():
        more.tagtype[number] = kind
        more[number] = value
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (9, 8, 7)).save(buffer, "TIFF", tiffinfo=more)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (preview(version=(50_706, 1, b"\1\4\0\0")), r"raw camera file \(DNG\)"),
        (preview(subfile=(254, 4, 1), others=(330, 4, 8)), "raw camera file"),
        (preview(photometric=(262, 3, 32_803)), "raw camera file|damaged"),
    ],
)
def test_raw_file_in_a_tiffs_clothes_is_not_read_by_its_preview(data: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=words):
        open_picture(data)


def test_tiff_of_several_pages_or_sizes_is_still_read() -> None:
    assert open_picture(preview(others=(330, 4, 8))).size == (32, 24)
    assert open_picture(preview(subfile=(254, 4, 2))).size == (32, 24)
