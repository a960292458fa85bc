"""Small ICC profiles, made here: matrix profiles of RGB, and of grey."""

import io
import struct

from PIL import Image, ImageCms

D50 = (0.9642, 1.0, 0.8249)


def _fixed(number: float) -> bytes:
    return struct.pack(">i", round(number * 65_536))


def _colour(xyz: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, xyz))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    described = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Test\0" + b"\0" * 78,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _colour(D50),
        **tags,
    }
    start = 128 + 4 + 12 * len(described)
    table, body = struct.pack(">I", len(described)), b""
    for name, value in described.items():
        padded = value + b"\0" * (-len(value) % 4)
        table += name + struct.pack(">II", start + len(body), len(padded))
        body += padded
    head = struct.pack(">I", start + len(body)) + b"none" + struct.pack(">I", 0x02100000) + b"mntr" + space + b"XYZ "
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + b"".join(map(_fixed, D50)) + b"\0" * 48
    return head + table + body


def rgb_profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...], gamma: float = 2.2) -> bytes:
    colours = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
    curves = {name: _curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"RGB ", {name: _colour(xyz) for name, xyz in colours.items()} | curves)


def grey_profile(gamma: float) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


P3 = rgb_profile((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE = rgb_profile((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446), gamma=2.19921875)
PROPHOTO = rgb_profile((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249), gamma=1.8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def written_in(image: Image.Image, profile: bytes, mode: str = "RGB") -> Image.Image:
    """Return a picture of sRGB as it is written with a profile's colours."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    written = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), target, outputMode=mode)
    assert written is not None
    return written
