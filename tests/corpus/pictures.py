"""Malformed pictures: small valid ones of every format and mode, damaged in every way that a seed draws."""

import functools
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pillow_heif
from PIL import Image

SIDE = 48
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
SAVED: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("JPEG", "RGB", {}), ("JPEG", "L", {}), ("JPEG", "CMYK", {}), ("JPEG", "RGB", {"progressive": True}),
    ("PNG", "1", {}), ("PNG", "L", {}), ("PNG", "LA", {}), ("PNG", "P", {}), ("PNG", "RGB", {}), ("PNG", "RGBA", {}),
    ("PNG", "I;16", {}), ("GIF", "P", {}), ("GIF", "P", {"save_all": True, "frames": 5}),
    ("BMP", "1", {}), ("BMP", "L", {}), ("BMP", "P", {}), ("BMP", "RGB", {}), ("BMP", "RGBA", {}),
    ("WEBP", "RGB", {}), ("WEBP", "RGBA", {"lossless": True}), ("WEBP", "RGB", {"save_all": True, "frames": 3}),
    ("AVIF", "RGB", {}), ("AVIF", "RGBA", {}),
    ("HEIF", "RGB", {}), ("HEIF", "RGBA", {}), ("HEIF", "L", {}),
    ("TIFF", "1", {"compression": "group4"}), ("TIFF", "L", {}), ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "RGBA", {"compression": "tiff_deflate"}), ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "CMYK", {}),
    ("TIFF", "I;16", {}), ("TIFF", "I", {}), ("TIFF", "F", {}), ("TIFF", "LAB", {}),
)  # fmt: skip


@functools.cache
def valid_pictures() -> tuple[bytes, ...]:
    """Return a small picture of each format and mode that is read."""
    pillow_heif.register_heif_opener()
    return tuple(_saved(kind, mode, dict(options)) for kind, mode, options in SAVED)


def malformed_pictures(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (what was done, bytes) of `count` pictures; the same for the same seed."""
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        damage = chance.choice(DAMAGES)
        yield f"{number} {damage.__name__}", damage(chance)


@functools.cache
def heaviest_pictures(side: int = 7740) -> dict[str, bytes]:
    """Return the pictures that cost most to decode for their few bytes: large, deep, of one colour, well-formed."""
    deep = {"grey 16": (16, 0, 2), "grey and alpha 16": (16, 4, 4), "rgb 16": (16, 2, 6), "rgba 16": (16, 6, 8)}
    plain = {"grey 8": (8, 0, 1), "grey and alpha 8": (8, 4, 2), "rgb 8": (8, 2, 3), "rgba 8": (8, 6, 4)}
    pictures = {f"png {name}": _flat_png(side, *layout) for name, layout in (plain | deep).items()}
    for mode, options in (("RGB", {"progressive": True}), ("CMYK", {}), ("L", {"progressive": True})):
        pictures[f"jpeg {mode}"] = _flat(side, mode, "JPEG", **options)
    pictures["webp RGB"] = _flat(side, "RGB", "WEBP", method=0)
    pictures["gif"] = _flat(side, "P", "GIF")
    for mode in ("1", "L", "RGB", "F", "I", "I;16"):
        pictures[f"tiff {mode}"] = _flat(side, mode, "TIFF", compression="tiff_deflate")
    return pictures


def _flat(side: int, mode: str, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (side, side)).save(buffer, kind, **options)
    return buffer.getvalue()


def _flat_png(side: int, depth: int, colour: int, pixel_bytes: int) -> bytes:
    packer, row, packed = zlib.compressobj(9), bytes(1 + side * pixel_bytes), []
    for _ in range(side):
        packed.append(packer.compress(row))
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    data = b"".join([*packed, packer.flush()])
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _saved(kind: str, mode: str, options: dict[str, object]) -> bytes:
    frames = int(str(options.pop("frames", 1)))
    images = [_drawn(mode, seed) for seed in range(frames)]
    buffer = io.BytesIO()
    images[0].save(buffer, kind, **options, **({"append_images": images[1:]} if frames > 1 else {}))
    return buffer.getvalue()


def _drawn(mode: str, seed: int) -> Image.Image:
    drawing = np.random.default_rng(seed)
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        return Image.fromarray((drawing.random((SIDE, SIDE)) * 60_000).astype(kind))
    rgb = Image.fromarray(drawing.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    return Image.merge("LAB", rgb.split()) if mode == "LAB" else rgb.convert(mode)


def cut_short(chance: random.Random) -> bytes:
    data = _one(chance)
    return data[: chance.randrange(len(data))]


def bytes_changed(chance: random.Random) -> bytes:
    data = bytearray(_one(chance))
    for _ in range(chance.randint(1, 24)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def header_changed(chance: random.Random) -> bytes:
    data = bytearray(_one(chance))
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(min(len(data), 200))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(data)


def a_number_extreme(chance: random.Random) -> bytes:
    """Put an extreme number of one, two or four bytes somewhere in the first kilobyte."""
    data, layout = bytearray(_one(chance)), chance.choice("<>") + chance.choice("BHI")
    value = chance.choice(EXTREMES) & (256 ** struct.calcsize(layout) - 1)
    struct.pack_into(layout, data, chance.randrange(min(len(data) - 4, 1024)), value)
    return bytes(data)


def a_run_repeated(chance: random.Random) -> bytes:
    data = _one(chance)
    start = chance.randrange(len(data))
    run = data[start : start + chance.randint(1, 400)]
    return data[:start] + run * chance.choice((2, 10, 1000)) + data[start:]


def a_run_removed(chance: random.Random) -> bytes:
    data = _one(chance)
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, 400) :]


def zeros_inside(chance: random.Random) -> bytes:
    data = bytearray(_one(chance))
    start = chance.randrange(len(data))
    length = min(chance.randint(1, 2000), len(data) - start)
    data[start : start + length] = bytes(length)
    return bytes(data)


def two_spliced(chance: random.Random) -> bytes:
    first, second = _one(chance), _one(chance)
    return first[: chance.randrange(1, len(first))] + second[chance.randrange(len(second)) :]


def noise_behind_a_magic(chance: random.Random) -> bytes:
    return _one(chance)[: chance.randint(2, 40)] + chance.randbytes(chance.randint(0, 5000))


def png_of_any_claim(chance: random.Random) -> bytes:
    """A PNG with right checksums whose header claims a size, depth and colour type that its data does not have."""
    width, height = (chance.choice((0, 1, 15, 48, 5000, 40_000, 2**31 - 1, 2**32 - 1)) for _ in "wh")
    depth, colour = chance.choice((1, 2, 4, 8, 16, 77)), chance.choice((0, 2, 3, 4, 6, 5))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, chance.choice((0, 1, 9)))
    pixels = zlib.compress(bytes(chance.choice((1, 10_000, 3_000_000))))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def png_with_a_bomb(chance: random.Random) -> bytes:
    """A PNG whose profile or comment unpacks to 200 MB."""
    name = chance.choice((b"iCCP", b"zTXt", b"iTXt"))
    packed = zlib.compress(bytes(200 * 2**20), 9) if chance.random() < 0.1 else zlib.compress(bytes(3 * 2**20))
    body = b"a\0\1\0\0\0" + packed if name == b"iTXt" else b"a\0\0" + packed
    header = struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0)
    pixels = _chunk(b"IDAT", zlib.compress(bytes(33 * 32)))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(name, body) + pixels + _chunk(b"IEND", b"")


def tiff_of_any_claim(chance: random.Random) -> bytes:
    """A TIFF whose tags claim sizes, tiles, bits, counts and offsets by chance."""
    sizes = (0, 1, 16, 48, 5000, 60_000, 2**31, 2**32 - 1)
    tags = {256: chance.choice(sizes), 257: chance.choice(sizes), 258: chance.choice((1, 2, 8, 16, 32, 64, 255))}
    tags |= {259: chance.choice((1, 2, 5, 7, 8, 32773, 34712, 9)), 262: chance.choice((0, 1, 2, 3, 5, 6, 8, 32803))}
    tags |= {273: chance.choice((8, 100, 2**32 - 1)), 277: chance.choice((1, 3, 4, 500)), 278: chance.choice(sizes)}
    tags |= {
        279: chance.choice(sizes),
        322: chance.choice(sizes),
        323: chance.choice(sizes),
        339: chance.choice((1, 3)),
    }
    kept = sorted(chance.sample(sorted(tags), chance.randint(4, len(tags))))
    entries = b"".join(struct.pack("<HHII", tag, 4, chance.choice((1, 1, 1, 3, 2**20)), tags[tag]) for tag in kept)
    following = struct.pack("<I", chance.choice((0, 8)))  # 8: the directory follows itself
    return b"II*\0" + struct.pack("<IH", 8, len(kept)) + entries + following + chance.randbytes(2000)


def bmp_of_any_claim(chance: random.Random) -> bytes:
    sizes = (-(2**31), -48, 0, 16, 48, 30_000, 2**31 - 1)
    header, width, height = chance.choice((12, 40, 64, 124, 2**31)), chance.choice(sizes), chance.choice(sizes)
    bits, method = chance.choice((0, 1, 4, 8, 16, 24, 32, 99)), chance.choice((0, 1, 2, 3, 4, 99))
    colours = chance.choice((0, 256, 2**32 - 1))
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, method, 0, 0, 0, colours, 0)
    head = struct.pack("<IHHI", 54, 0, 0, chance.choice((0, 54, 2**32 - 1)))
    return b"BM" + head + info + chance.randbytes(chance.choice((0, 100, 50_000)))


def gif_of_many_frames(chance: random.Random) -> bytes:
    """A GIF whose screen is as large as GIF allows, or which repeats its frame thousands of times."""
    data = bytearray(valid_pictures()[11])
    if chance.random() < 0.5:
        struct.pack_into("<HH", data, 6, *(chance.choice((0, 1, 48, 65_535)) for _ in "wh"))
    start = data.find(b"\x2c")
    return bytes(data[:start] + data[start:-1] * chance.choice((1, 100, 3000)) + b";")


def text_of_another_kind(chance: random.Random) -> bytes:
    return chance.choice((
        b"", b"\0" * 5000, b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", b"%PDF-1.7\n%%EOF",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"push graphic-context\nviewbox 0 0 9 9\n",
        b"P6 99999 99999 255\n", b"<!doctype html><img src=x>", b"GIF89a", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 ",
        b"\0\0\0\x18ftypheic\0\0\0\0", b"8BPS\0\1", b"\x00\x00\x01\x00\x01\x00",
    ))  # fmt: skip


def _one(chance: random.Random) -> bytes:
    return chance.choice(valid_pictures())


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


DAMAGES: tuple[Callable[[random.Random], bytes], ...] = (
    cut_short, bytes_changed, bytes_changed, header_changed, header_changed, a_number_extreme, a_number_extreme,
    a_run_repeated, a_run_removed, zeros_inside, two_spliced, noise_behind_a_magic, png_of_any_claim, png_with_a_bomb,
    tiff_of_any_claim, tiff_of_any_claim, bmp_of_any_claim, gif_of_many_frames, text_of_another_kind,
)  # fmt: skip
