"""The names of files that are no picture of a format that is read, told from their first bytes, and what to do."""

import re
import struct
from collections.abc import Iterator

from mlcore.images.formats import listed_formats

_BEGINNING = 1024
_SAVE = "save it as JPEG or PNG"
_DEVELOP = "develop it with the camera's program and save it as JPEG or TIFF"
_FRAMES = "save single frames as JPEG"

# (where, bytes, what the file is, what to do)
_SIGNATURES = (
    (0, b"\xff\x0a", "JPEG XL", _SAVE),
    (4, b"JXL \r\n\x87\n", "JPEG XL", _SAVE),
    (4, b"jP  \r\n\x87\n", "JPEG 2000", _SAVE),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000", _SAVE),
    (0, b"II\xbc", "JPEG XR", _SAVE),
    (4, b"ftypcrx ", "a raw camera file (Canon CR3)", _DEVELOP),
    (8, b"CR\x02", "a raw camera file (Canon CR2)", _DEVELOP),
    (0, b"FUJIFILMCCD-RAW", "a raw camera file (Fujifilm RAF)", _DEVELOP),
    (0, b"IIRO", "a raw camera file (Olympus ORF)", _DEVELOP),
    (0, b"IIRS", "a raw camera file (Olympus ORF)", _DEVELOP),
    (0, b"MMOR", "a raw camera file (Olympus ORF)", _DEVELOP),
    (0, b"IIU\0", "a raw camera file (Panasonic RW2)", _DEVELOP),
    (0, b"FOVb", "a raw camera file (Sigma X3F)", _DEVELOP),
    (0, b"\0MRM", "a raw camera file (Minolta MRW)", _DEVELOP),
    (0, b"8BPS", "a Photoshop document", _SAVE),
    (0, b"gimp xcf", "a GIMP document", _SAVE),
    (0, b"v/1\x01", "OpenEXR", _SAVE),
    (0, b"qoif", "QOI", _SAVE),
    (0, b"DDS ", "a DirectDraw surface", _SAVE),
    (0, b"\0\0\1\0", "an icon", _SAVE),
    (128, b"DICM", "DICOM", _SAVE),
    (0, b"%PDF", "a PDF document", "save its pages or pictures as JPEG or PNG"),
    (0, b"%!PS", "a PostScript document", "save its pages or pictures as JPEG or PNG"),
    (0, b"PK\3\4", "an archive or office document", "unpack it and give the pictures in it"),
    (8, b"AVI ", "a video", _FRAMES),
    (0, b"\x1a\x45\xdf\xa3", "a video", _FRAMES),
    (0, b"\0\0\1\xba", "a video", _FRAMES),
    (0, b"OggS", "a video or sound", _FRAMES),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video", _FRAMES),
)
_TEXT = rb"(?:\xef\xbb\xbf)?\s*<(?s:.*)"
_PATTERNS = (
    (re.compile(_TEXT + rb"(?<=<)svg[\s>]", re.IGNORECASE), "a vector graphic (SVG)", _SAVE),
    (re.compile(_TEXT + rb"(?<=<)(?:!doctype html|html[\s>])", re.IGNORECASE), "a web page", "save the picture itself"),
    (re.compile(rb"(?s:....)ftyp(?!hei|hev|mif1|msf1|avi[fs])"), "a video", _FRAMES),
)

_SUBFILE_TYPE, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 262, 330, 50_706
_COLOUR_FILTER_ARRAY, _LINEAR_RAW = 32_803, 34_892
_MOST_TAGS = 500


def reason_not_read(data: bytes) -> str:
    """Return a sentence that says what a file is that cannot be opened, and what to do where that is known."""
    if fault := raw_camera_fault(data):
        return fault
    beginning = data[:_BEGINNING]
    for place, signature, what, remedy in _SIGNATURES:
        if beginning.startswith(signature, place):
            return _sentence(what, remedy)
    for pattern, what, remedy in _PATTERNS:
        if pattern.match(beginning):
            return _sentence(what, remedy)
    if beginning.startswith(b"ftyp", 4):
        return "the picture is damaged, or not whole: its header cannot be read; save it again as JPEG or PNG"
    return f"the file is not a picture in {listed_formats('or')}"


def raw_camera_fault(data: bytes) -> str:
    """Return why a file in TIFF's container is not read; "" where it is a picture.

    Raw files of most cameras, and DNG, are such files: their first picture is a preview of a few pixels.
    """
    tags = dict(_first_tags(data))
    mosaic = tags.get(_PHOTOMETRIC) in (_COLOUR_FILTER_ARRAY, _LINEAR_RAW)
    preview = _SUB_IFDS in tags and tags.get(_SUBFILE_TYPE, 0) & 1
    if _DNG_VERSION in tags:
        return _sentence("a raw camera file (DNG)", _DEVELOP)
    return _sentence("a raw camera file", _DEVELOP) if mosaic or preview else ""


def _first_tags(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield tag and value (its first 16 bits where they are a short) of the first directory of a TIFF."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(f"{order}H", data, start)
    for place in range(start + 2, start + 2 + 12 * min(count, _MOST_TAGS), 12):
        if place + 12 > len(data):
            return
        tag, kind = struct.unpack_from(f"{order}HH", data, place)
        yield tag, struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", data, place + 8)[0]


def _sentence(what: str, remedy: str) -> str:
    return f"the file is {what}, which is not read; {remedy} ({listed_formats('and')} are read)"
