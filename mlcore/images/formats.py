"""The table of picture formats that are read: what decodes, names, offers and documents them reads it here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureFormat:
    """A format by its usual name, Pillow's name for it, and the endings of its files, lower case.

    known_to_browsers: whether every browser counts it among `image/*`.
    """

    title: str
    pillow: str
    suffixes: tuple[str, ...]
    known_to_browsers: bool = True


# AVIF before HEIC: a file of either may claim to be of their common container, which HEIC's reader believes.
PICTURE_FORMATS = (
    PictureFormat("JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif")),
    PictureFormat("PNG", "PNG", (".png",)),
    PictureFormat("WebP", "WEBP", (".webp",)),
    PictureFormat("AVIF", "AVIF", (".avif",), known_to_browsers=False),
    PictureFormat("HEIC", "HEIF", (".heic", ".heif"), known_to_browsers=False),
    PictureFormat("GIF", "GIF", (".gif",)),
    PictureFormat("BMP", "BMP", (".bmp",)),
    PictureFormat("TIFF", "TIFF", (".tif", ".tiff")),
)
PILLOW_FORMATS = tuple(row.pillow for row in PICTURE_FORMATS)
FORMAT_TITLES = tuple(row.title for row in PICTURE_FORMATS)
SUFFIXES = frozenset(suffix for row in PICTURE_FORMATS for suffix in row.suffixes)


def listed_formats(word: str) -> str:
    """Return the titles as a sentence lists them, with `word` before the last: "JPEG, PNG or TIFF"."""
    return f"{', '.join(FORMAT_TITLES[:-1])} {word} {FORMAT_TITLES[-1]}"


def accept_attribute() -> str:
    """Return the `accept` of a file field: pictures, and the endings that some browsers count among none."""
    others = (suffix for row in PICTURE_FORMATS if not row.known_to_browsers for suffix in row.suffixes)
    return ",".join(("image/*", *others))
