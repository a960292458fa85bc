"""Pictures as people send them: good, odd and hostile."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def drawn(seed: int = 0, size: tuple[int, int] = (48, 32)) -> Image.Image:
    """Return coarse noise, unlike any other seed's."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(seed: int = 0, size: tuple[int, int] = (48, 32)) -> bytes:
    return encoded(drawn(seed, size))


def animated_gif() -> bytes:
    frames = [drawn(seed).quantize() for seed in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)


def cmyk_jpeg() -> bytes:
    return encoded(drawn().convert("CMYK"))


def deep_png() -> bytes:
    """Return a 16-bit grey ramp."""
    ramp = np.linspace(0, 65535, 48 * 32).reshape(32, 48).astype(np.uint16)
    return encoded(Image.fromarray(ramp), "PNG")


def lying_phone_photo() -> bytes:
    """Return 48 x 32 pixels that stand upright as 32 x 48 by their EXIF, which also names a maker."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "Secret maker"
    return encoded(drawn(), exif=exif.tobytes())


def huge_png() -> bytes:
    """Return a PNG that says it has 20,000 x 20,000 pixels, and has next to none."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    body = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


GOOD = {
    "an animated GIF": animated_gif(),
    "a CMYK JPEG": cmyk_jpeg(),
    "a 16-bit PNG": deep_png(),
    "a photo lying on its side": lying_phone_photo(),
    "a WebP": encoded(drawn(), "WEBP"),
}
BAD = {
    "a text": (b"I am a picture, I swear. " * 40, "is not a picture"),
    "half a JPEG": (jpeg()[: len(jpeg()) // 2], "damaged"),
    "a single pixel": (encoded(Image.new("RGB", (1, 1)), "PNG"), "1 x 1 px, smaller than 16 px"),
    "400 megapixels": (huge_png(), "20000 x 20000|too many pixels"),
    "nothing": (b"", "empty"),
}


def write_folder(folder: Path, classes: Mapping[str, int]) -> Path:
    """Write so many pictures of each class, none like another, as one folder a class."""
    for place, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number}.jpg").write_bytes(jpeg(1000 * place + number))
    return folder


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
