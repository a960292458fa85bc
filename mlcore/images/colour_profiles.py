"""Conversion of colours to sRGB by the profile that a picture carries: wide-gamut phones and cameras embed one."""

import functools
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

MOST_BYTES = 4 * 2**20  # of a profile; the largest for printing have 3 MB
SAME = 2
"""Greatest difference of a channel, 0 to 255, up to which a profile counts as sRGB: pixels then stay as they are."""

ToRGB = Callable[[Image.Image], Image.Image]
"""Returns a picture's colours as RGB, without what is transparent."""

_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # colour spaces of profiles, by the mode that holds them
_MODES = {
    "RGB": frozenset({"RGB", "RGBA", "RGBX", "P", "PA", "YCbCr", "L", "LA"}),
    "L": frozenset({"L", "LA", "I", "I;16", "I;16L", "I;16B", "F"}),
    "CMYK": frozenset({"CMYK"}),
}
_STEPS = np.arange(0, 256, 51, dtype=np.uint8)
_PROBE = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(36, 6, 3)


def plain_colours(image: Image.Image) -> Image.Image:
    """Return the colours as RGB by the numbers alone."""
    return image.convert("RGB")


def srgb_colours(profile: object, mode: str) -> ToRGB:
    """Return what converts pictures of that mode to sRGB by an embedded profile, perceptually.

    Without a profile, or with one that is sRGB, that is `plain_colours`. It is so too with a profile that is
    damaged, larger than 4 MB, of Lab colours, or not for pictures of that mode: no picture is lost by its profile.
    """
    if not isinstance(profile, bytes) or not 0 < len(profile) <= MOST_BYTES:
        return plain_colours
    return _conversion(profile, mode)


@functools.lru_cache(maxsize=4)
def _conversion(profile: bytes, mode: str) -> ToRGB:
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        held = _SPACES.get(opened.profile.xcolor_space, "")
        if mode not in _MODES.get(held, ()):
            return plain_colours
        transform = ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), held, "RGB")
        if held != "CMYK" and _changes_nothing(transform, held):
            return plain_colours
    # LittleCMS fed with hostile bytes: PyCMSError is what Pillow raises, the others come from within it.
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return plain_colours
    return lambda image: transform.apply(image if image.mode == held else image.convert(held))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, held: str) -> bool:
    probe = Image.fromarray(_PROBE).convert(held)
    changed = np.asarray(transform.apply(probe)).astype(int)
    return bool(np.abs(changed - np.asarray(probe.convert("RGB"))).max() <= SAME)
