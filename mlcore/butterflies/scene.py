"""The scene of a butterfly: its pose before a lens, the light and the blurred background."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mlcore.butterflies.background import background
from mlcore.butterflies.body import BODY_BOX, paint_body
from mlcore.butterflies.field import FORE_BOX, HIND_BOX, Box, fore_outline, hind_outline
from mlcore.butterflies.motifs import paint_wing
from mlcore.butterflies.species import forms_of

SUPERSAMPLING = 2
_LENS = 4.2  # distance of the lens in wing units: near enough for raised wings to grow
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """One form painted flat: both wings of the right side and the body, RGBA."""

    fore: Image.Image
    hind: Image.Image
    body: Image.Image
    hull: Matrix
    folded: bool
    density: float


@dataclass(frozen=True)
class Layer:
    """A part with the matrix that takes its pixels to the canvas and the tables that light it."""

    image: Image.Image
    matrix: Matrix
    curves: list[int]


@lru_cache(maxsize=48)
def parts_of(seed: int, species: int, form: int, size: int) -> Parts:
    """Return the painted parts of a form for pictures of `size` pixels."""
    look = forms_of(seed, species)[form]
    density = SUPERSAMPLING * size * 0.48
    fore, hind = fore_outline(look.shape), hind_outline(look.shape)
    edges = [fore.edge, hind.edge] + ([hind.tail] if hind.tail is not None else [])
    return Parts(
        paint_wing(fore, look.fore, look.palette, density),
        paint_wing(hind, look.hind, look.palette, density),
        paint_body(look.palette, look.folded, density),
        np.concatenate(edges).astype(np.float64)[::4],
        look.folded,
        density,
    )


def render(seed: int, species: int, form: int, picture: int, size: int) -> Image.Image:
    """Return one picture, RGB, `size` x `size`; its random numbers are its own."""
    rng = np.random.default_rng((seed, 5, species, picture))
    parts = parts_of(seed, species, form, size)
    big = size * SUPERSAMPLING
    warmth, bright = float(rng.normal(0, 0.045)), float(rng.uniform(0.86, 1.10))
    scene = background(rng, big)
    animal = Image.new("RGBA", (big, big))
    for layer in _posed(parts, rng, big):
        _project(layer, animal)
    _cast_shadow(scene, animal, rng)
    scene.paste(animal, (0, 0), animal)
    return _photographed(scene, rng, size, warmth, bright)


def _posed(parts: Parts, rng: np.random.Generator, big: int) -> list[Layer]:
    """Return the parts in painting order, placed and lit."""
    opened = [float(angle) for angle in np.deg2rad(rng.normal((18, 18), (16, 16)).clip(-12, 62))]
    if rng.random() < 0.6:
        opened[1] = opened[0] + float(rng.normal(0, 0.05))
    sweep = np.deg2rad(rng.normal((0, 0), (5.0, 4.0)))
    tilt = _tilt(*np.deg2rad(rng.normal(0, (15, 13))))
    if parts.folded:
        sweep = np.deg2rad((24, -4)) + sweep
        opened = [0.0, 0.0]
    sides = (1,) if parts.folded else (-1, 1)
    frames = {
        (wing, side): tilt @ _hinged(side, opened[max(side, 0)], float(sweep[wing]))
        for wing in (0, 1)
        for side in sides
    }
    body = tilt @ np.eye(3)[:, :2]
    view = _framing(list(frames.values()), parts, rng, big)
    tints, wear = rng.normal(1, 0.035, 3), float(rng.uniform(0, 0.12))  # individuals differ
    jobs = [(parts.hind, HIND_BOX, frames[1, side]) for side in sides]
    fores = [(parts.fore, FORE_BOX, frames[0, side]) for side in sides]
    trunk = [(parts.body, BODY_BOX, body)]
    order = trunk + fores + jobs if parts.folded else jobs + fores + trunk
    return [
        Layer(image, view @ _lens(frame) @ _canvas(box, parts.density), _curves(_light(frame), tints, wear))
        for image, box, frame in order
    ]


def _tilt(pitch: float, roll: float) -> Matrix:
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    turn_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn_y = np.array([[cr, 0, sr], [0, 1, 0], [-sr, 0, cr]])
    return np.asarray(turn_x @ turn_y)


def _hinged(side: int, opened: float, sweep: float) -> Matrix:
    """Return the 3 x 2 basis of a wing's plane: raised about the body by `opened`, swept in its plane."""
    c, s = np.cos(sweep), np.sin(sweep)
    raised = np.array([[side * np.cos(opened), 0], [0, 1], [np.sin(opened), 0]])
    return np.asarray(raised @ np.array([[c, -s], [s, c]]))


def _lens(frame: Matrix) -> Matrix:
    """Return the homography of a plane seen from `_LENS` above."""
    return np.array([[*frame[0], 0], [*frame[1], 0], [*(-frame[2] / _LENS), 1]])


def _canvas(box: Box, density: float) -> Matrix:
    return np.array([[1 / density, 0, box[0]], [0, 1 / density, box[1]], [0, 0, 1]])


def _framing(frames: list[Matrix], parts: Parts, rng: np.random.Generator, big: int) -> Matrix:
    """Return the similarity that turns the animal and fits it in the picture, a little off centre."""
    turn = rng.normal(-90, 22) if parts.folded else rng.normal(0, 38)
    mirror = -1.0 if parts.folded and rng.random() < 0.5 else 1.0
    angle = np.deg2rad(turn)
    spin = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    spin = np.diag([mirror, 1, 1]) @ spin
    hull = np.column_stack([parts.hull, np.ones(len(parts.hull))])
    seen = np.concatenate([hull @ (spin @ _lens(frame)).T for frame in frames])
    points = seen[:, :2] / seen[:, 2:]
    low, high = points.min(0), points.max(0)
    fill = rng.uniform(0.72, 0.93)
    scale = fill * big / max(float((high - low).max()), 1.45)
    room = (1 - fill) / 2 - 0.01
    middle = big * (0.5 + rng.uniform(-room, room, 2)) - scale * (low + high) / 2
    return np.asarray(np.array([[scale, 0, middle[0]], [0, scale, middle[1]], [0, 0, 1]]) @ spin)


def _light(frame: Matrix) -> float:
    """Return how much of a light from the upper left the plane sends back, about 1."""
    normal = np.cross(frame[:, 0], frame[:, 1])
    normal = normal * np.sign(normal[2] or 1.0)
    return 0.62 + 0.42 * float(normal @ (-0.38, -0.42, 0.82))


def _curves(light: float, tints: NDArray[np.float64], wear: float) -> list[int]:
    """Return the tables, red to alpha, that light a part, tint it and fade it with wear."""
    ramp = np.arange(256)
    worn = ramp + (140 - ramp) * wear
    lit = [np.clip(worn * tint * light + 0.5, 0, 255) for tint in tints]
    return [int(value) for value in np.concatenate([*lit, ramp])]


def _project(layer: Layer, animal: Image.Image) -> None:
    """Lay the part over the animal through its matrix, touching only the pixels it can reach."""
    wide, high = layer.image.size
    corners = layer.matrix @ np.array([[0, wide, wide, 0], [0, 0, high, high], [1, 1, 1, 1]])
    reach = corners[:2] / corners[2]
    left, top = (int(v) for v in np.clip(np.floor(reach.min(1)), 0, animal.size))
    right, bottom = (int(v) for v in np.clip(np.ceil(reach.max(1)), 0, animal.size))
    if right <= left or bottom <= top:
        return
    inverse = np.linalg.inv(layer.matrix) @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]])
    data = tuple(float(value) for value in (inverse / inverse[2, 2]).ravel()[:8])
    lit = layer.image.point(layer.curves)
    size = (right - left, bottom - top)
    seen = lit.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR)
    animal.alpha_composite(seen, (left, top))


def _cast_shadow(scene: Image.Image, animal: Image.Image, rng: np.random.Generator) -> None:
    """Darken the scene under the animal, offset away from the light and blurred."""
    small = animal.getchannel("A").reduce(4)
    high, strength = float(rng.uniform(0.02, 0.07)), float(rng.uniform(0.30, 0.62))
    side = small.size[0]
    moved = small.transform(small.size, Image.Transform.AFFINE, (1, 0, -high * side, 0, 1, -high * side * 1.2))
    soft = moved.filter(ImageFilter.GaussianBlur(side * (0.012 + high * 0.5)))
    mask = soft.resize(scene.size, Image.Resampling.BILINEAR).point([int(v * strength) for v in range(256)])
    scene.paste((14, 16, 26), (0, 0), mask)


def _photographed(scene: Image.Image, rng: np.random.Generator, size: int, warmth: float, bright: float) -> Image.Image:
    """Return the finished picture: reduced, lit, slightly blurred and grainy."""
    small = scene.reduce(SUPERSAMPLING)
    if rng.random() < 0.3:
        small = small.filter(ImageFilter.GaussianBlur(size * float(rng.uniform(0.001, 0.006))))
    pixels = np.asarray(small, np.float32) / 255
    contrast = np.float32(rng.uniform(0.90, 1.14))
    gains = np.array([1 + warmth, 1, 1 - warmth * 1.2], np.float32) * np.float32(bright)
    pixels = ((pixels - np.float32(0.45)) * contrast + np.float32(0.45)) * gains
    across = np.linspace(-1, 1, size, dtype=np.float32)
    slope = rng.normal(0, 0.045, 2).astype(np.float32)
    pixels *= (1 + slope[0] * across[:, None] + slope[1] * across[None, :])[..., None]
    grain = rng.standard_normal((size, size), np.float32) * np.float32(rng.uniform(0.003, 0.014))
    pixels += grain[..., None]
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
