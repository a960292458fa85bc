"""Pictures of many megapixels in few bytes, in every format and mode that is read."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parent / "samples"
"""HEICs of one colour: x265 takes half a minute for one."""

Made = Callable[[float], bytes]
"""Makes a picture of so many megapixels."""


def side_of(megapixels: float) -> int:
    return isqrt(int(megapixels * 1e6))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_pillow(mode: str, kind: str, **options: Any) -> Made:
    def made(megapixels: float) -> bytes:
        side = side_of(megapixels)
        if mode in ("I;16", "I", "F"):
            kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
            return saved(Image.fromarray(np.full((side, side), 40_000, kinds[mode])), kind, **options)
        tags = {"tiffinfo": {278: side}} if options.get("strips") == 1 else {}
        given = {name: value for name, value in options.items() if name != "strips"}
        return saved(Image.new(mode, (side, side), 0), kind, **given, **tags)

    return made


def png(bits: int, colour: int, *, interlaced: bool = False, extra: bytes = b"", height: int = 0) -> Made:
    """A PNG with every bit 0; colour: 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA. extra: more chunks.

    height: if it is no square.
    """
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]

    def made(megapixels: float) -> bytes:
        side = side_of(megapixels)
        tall = height or side
        header = struct.pack(">IIBBBBB", side, tall, bits, colour, 0, 0, int(interlaced))
        passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
        # A pass has every so many columns and rows from x and y on; a byte before each row names its filter.
        count = sum(
            _parts(tall - y, down) * (1 + _parts(_parts(side - x, right) * samples * bits, 8))
            for x, y, right, down in passes
        )
        palette = chunk(b"PLTE", bytes(range(3)) * 4) if colour == 3 else b""
        pixels = chunk(b"IDAT", zlib.compress(bytes(count), 1))
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + extra + pixels + chunk(b"IEND", b"")

    return made


def _parts(whole: int, part: int) -> int:
    return -(-whole // part)


_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(bits: tuple[int, ...], photometric: int, **tags: int) -> Made:
    """A TIFF of zeros, deflated: one strip, or tiles (`tile`), or a plane a sample (`planar`=2)."""
    own = dict(tags)

    def made(megapixels: float) -> bytes:
        side = side_of(megapixels)
        tile, planar = own.get("tile", 0), own.get("planar", 1)
        samples = 1 if planar == 2 else len(bits)
        block = bytes((tile or side) * (((tile or side) * bits[0] * samples + 7) // 8))
        packed = zlib.compress(block, 1)
        count = (-(-side // tile)) ** 2 if tile else 1
        count *= len(bits) if planar == 2 else 1
        entries: dict[int, tuple[int, ...]] = {
            256: (side,), 257: (side,), 258: bits, 259: (8,), 262: (photometric,), 277: (len(bits),), 284: (planar,),
            339: (own.get("format", 1),) * len(bits),
        }  # fmt: skip
        if len(bits) in (2, 4) and photometric < 3:
            entries[338] = (2,)
        places, sizes = (8,) * count, (len(packed),) * count
        entries |= (
            {322: (tile,), 323: (tile,), 324: places, 325: sizes} if tile else {273: places, 278: (side,), 279: sizes}
        )
        return _tiff_file(packed, entries)

    return made


def _tiff_file(packed: bytes, entries: dict[int, tuple[int, ...]]) -> bytes:
    at, rows, more = 8 + len(packed), b"", b""
    after = at + 2 + 12 * len(entries) + 4
    for tag, values in sorted(entries.items()):
        data = struct.pack(f"<{len(values)}I", *values)
        place = data if len(values) == 1 else struct.pack("<I", after + len(more))
        more += data if len(values) > 1 else b""
        rows += struct.pack("<HHI", tag, 4, len(values)) + place
    return b"II*\0" + struct.pack("<I", at) + packed + struct.pack("<H", len(entries)) + rows + bytes(4) + more


def scans_apart(make: Made) -> Made:
    """JPEGs whose first scan claims one component: then libjpeg keeps all coefficients."""

    def made(megapixels: float) -> bytes:
        data = make(megapixels)
        at = data.index(b"\xff\xda")
        return data[:at] + b"\xff\xda\0\x08\x01" + data[at + 5 : at + 7] + data[at + 11 :]

    return made


def claimed_deep(make: Made) -> Made:
    """AVIFs whose configuration says that they have 10 bits a channel."""

    def made(megapixels: float) -> bytes:
        data = bytearray(make(megapixels))
        data[data.index(b"av1C") + 6] |= 0x40
        depths = data.index(b"pixi") + 9
        data[depths : depths + 3] = bytes((10,) * 3)
        return bytes(data)

    return made


def metadata_segments(make: Made, count: int) -> Made:
    """JPEGs with so many EXIF blocks of 64 KB."""

    def made(megapixels: float) -> bytes:
        data = make(megapixels)
        return data[:2] + (b"\xff\xe1\xff\xff" + b"Exif\0\0" + b"x" * 65_527) * count + data[2:]

    return made


def exif_of(orientation: int) -> bytes:
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def rle_bmp(megapixels: float) -> bytes:
    """A BMP of 8 bits whose rows are run-length encoded."""
    side = side_of(megapixels)
    row = b"".join(bytes((min(255, side - x), 1)) for x in range(0, side, 255)) + b"\0\0"
    rows = row * side + b"\0\1"
    start = 14 + 40 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + header + bytes(1024) + rows


def heic(name: str) -> Made:
    return lambda megapixels: (SAMPLES / f"{name}.heic").read_bytes()


jpeg = partial(by_pillow, kind="JPEG")
