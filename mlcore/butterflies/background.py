"""The blurred background of a butterfly: leaves, flowers, sand, bark, sky, meadow.

Everything is drawn on a canvas of `_SIDE` pixels and enlarged, which is cheap and soft at once.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from mlcore.butterflies.field import Floats

_SIDE = 64
_OVER = 2  # leaves and petals are drawn this much larger, for smooth edges
Painter = Callable[[np.random.Generator], Image.Image]
Hex = str  # rrggbb


def background(rng: np.random.Generator, big: int) -> Image.Image:
    """Return a blurred scene, RGB, `big` x `big`."""
    painter = SCENES[int(rng.integers(len(SCENES)))]
    scene = painter(rng).reduce(_OVER)
    soft = scene.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.8, 2.4))))
    return soft.resize((big, big), Image.Resampling.BICUBIC)


def _rgb(text: Hex) -> Floats:
    return np.asarray([int(text[i : i + 2], 16) for i in (0, 2, 4)], np.float32)


def _clouds(rng: np.random.Generator, cells: tuple[int, int]) -> Floats:
    """Return smooth noise [side, side], 0 to 1, with about `cells` (down, across) bumps."""
    grid = (rng.random(cells) * 255).astype(np.uint8)
    side = _SIDE * _OVER
    bumps = Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(np.asarray(bumps) / 255, np.float32)


def _gradient(rng: np.random.Generator, low: Hex, high: Hex, cells: tuple[int, int] = (3, 3)) -> Image.Image:
    """Return a ground that drifts between two colours."""
    share = _clouds(rng, cells)[..., None]
    first, second = _rgb(low), _rgb(high)
    return Image.fromarray(np.clip(first + (second - first) * share, 0, 255).astype(np.uint8))


def _ink(rng: np.random.Generator, text: Hex, spread: float = 12) -> tuple[int, int, int]:
    red, green, blue = np.clip(_rgb(text) * rng.uniform(0.86, 1.14) + rng.normal(0, spread, 3), 0, 255)
    return int(red), int(green), int(blue)


def _lighter(ink: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (int(channel + (255 - channel) * share) for channel in ink)
    return red, green, blue


def _bokeh(scene: Image.Image, rng: np.random.Generator, colours: tuple[Hex, ...], count: int) -> None:
    """Lay soft discs of light over the scene."""
    veil = Image.new("RGBA", scene.size)
    pen = ImageDraw.Draw(veil)
    for _ in range(count):
        x, y = rng.uniform(-0.05, 1.05, 2) * scene.size[0]
        radius = rng.uniform(0.02, 0.09) * scene.size[0]
        ink = _ink(rng, colours[int(rng.integers(len(colours)))])
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*ink, int(rng.uniform(50, 130))))
    scene.paste(veil, (0, 0), veil)


def _spindle(start: Floats, angle: float, length: float, half: Floats) -> list[tuple[float, float]]:
    """Return the corners of a leaf or petal with `half` its width at even steps from its root."""
    along, aside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    spine = start + np.outer(np.linspace(0, length, len(half)), along)
    sides = np.outer(half, aside)
    return [(float(x), float(y)) for x, y in np.concatenate([spine + sides, (spine - sides)[::-1]])]


def _leaf(wide: float) -> Floats:
    t = np.linspace(0, 1, 14, dtype=np.float32)
    return np.asarray(wide * np.sin(np.pi * t**0.8).clip(0) ** 0.9, np.float32)


def _petal(wide: float) -> Floats:
    """Return half widths: narrow at the root, broadest near a blunt tip."""
    t = np.linspace(0, 1, 16, dtype=np.float32)
    return np.asarray(wide * (1 - (2 * t**1.5 - 1) ** 2).clip(0) ** 0.4, np.float32)


def leaves(rng: np.random.Generator) -> Image.Image:
    """Return large leaves, light and shade."""
    low, high = (("2c4f2a", "7fa653"), ("1f4436", "6f9f6a"), ("4a6a2c", "b3c46a"))[int(rng.integers(3))]
    scene = _gradient(rng, low, high)
    _bokeh(scene, rng, ("dfe8a0", high, "9cc47a"), 7)
    pen = ImageDraw.Draw(scene)
    side = scene.size[0]
    for _ in range(int(rng.integers(3, 7))):
        start = rng.uniform(-0.1, 1.1, 2).astype(np.float32) * side
        ink = _ink(rng, high if rng.random() < 0.6 else low)
        angle, length = float(rng.uniform(0, 6.28)), float(rng.uniform(0.5, 1.1)) * side
        pen.polygon(_spindle(start, angle, length, _leaf(float(rng.uniform(0.09, 0.2)) * side)), fill=ink)
        rib = _spindle(start, angle, length * 0.92, _leaf(0.8))
        pen.polygon(rib, fill=_lighter(ink, 0.2))
    return scene


def flower(rng: np.random.Generator) -> Image.Image:
    """Return one large blossom on green."""
    petal, heart = (
        ("e58fb4", "f3d36a"),
        ("f6f1e6", "f0c64a"),
        ("a887d6", "f2d67a"),
        ("f4c84e", "8a5a2a"),
        ("ef8d63", "7a3a2c"),
        ("c9527f", "f3d9a0"),
    )[int(rng.integers(6))]
    scene = _gradient(rng, "2f5232", "88a860")
    _bokeh(scene, rng, (petal, "b9d18a"), 5)
    pen, side = ImageDraw.Draw(scene), scene.size[0]
    middle = rng.uniform(0.25, 0.75, 2).astype(np.float32) * side
    count, first = int(rng.integers(7, 14)), float(rng.uniform(0, 6.28))
    reach = float(rng.uniform(0.42, 0.72)) * side
    for place in [*range(0, count, 2), *range(1, count, 2)]:
        ink = _ink(rng, petal, 5)
        angle = first + 6.283 * place / count + float(rng.normal(0, 0.06))
        pen.polygon(_spindle(middle, angle, reach, _petal(reach * 2.5 / count)), fill=ink)
        pen.polygon(_spindle(middle, angle, reach * 0.9, _petal(reach * 1.5 / count)), fill=_lighter(ink, 0.25))
    radius = reach * 0.2
    x, y = float(middle[0]), float(middle[1])
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_ink(rng, heart))
    return scene


def sand(rng: np.random.Generator) -> Image.Image:
    """Return warm sand with pebbles."""
    scene = _gradient(rng, "c7ab82", "ead9ba", (4, 4))
    _bokeh(scene, rng, ("b79a72", "f2e6cf", "9c8a74"), 12)
    return scene


def bark(rng: np.random.Generator) -> Image.Image:
    """Return furrowed bark with some lichen."""
    scene = _gradient(rng, "3f3128", "9c8268", (4, 15))
    _bokeh(scene, rng, ("a7b08a", "5a4636", "c4b79c"), 5)
    return scene.rotate(float(rng.normal(0, 14)), Image.Resampling.BILINEAR, fillcolor=_ink(rng, "6b5645"))


def sky(rng: np.random.Generator) -> Image.Image:
    """Return sky, a little cloud, and stems of grass."""
    low, high = (("9cc3e6", "eef4f8"), ("7fb0d8", "dfeaf0"), ("f0c9a8", "f7e9d6"))[int(rng.integers(3))]
    scene = _gradient(rng, low, high, (4, 3))
    pen, side = ImageDraw.Draw(scene), scene.size[0]
    for _ in range(int(rng.integers(0, 6))):
        start = np.array([rng.uniform(0, 1), 1.05], np.float32) * side
        angle, length = float(rng.normal(-1.57, 0.3)), float(rng.uniform(0.4, 0.9)) * side
        stem = _spindle(start, angle, length, _leaf(float(rng.uniform(0.012, 0.03)) * side))
        pen.polygon(stem, fill=_ink(rng, "7f9a5c"))
    return scene


def meadow(rng: np.random.Generator) -> Image.Image:
    """Return a deep green meadow with far flowers."""
    scene = _gradient(rng, "22392c", "6a8c4e", (3, 4))
    _bokeh(scene, rng, ("e8a7c0", "f4e3a0", "c9b6ea", "f3f0e4", "a9c77a"), 16)
    return scene


SCENES: tuple[Painter, ...] = (leaves, flower, sand, bark, sky, meadow, leaves, flower)
