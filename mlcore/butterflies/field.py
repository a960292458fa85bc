"""The wings of one form, painted flat before any pose: outlines, veins and pattern.

Every motif is a mask in the wing's own coordinates: `u` runs from the root (0) to the margin (1),
`v` from the tip (0) round to the body (1), seven cells between veins. Motifs that follow the cells
are what makes a painted wing look grown.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mlcore.butterflies.genera import Colour, Shape

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]

CELLS = 7
HIND_ANGLES = (-14.0, 12.0, 34.0, 54.0, 72.0, 88.0)
# Left, top, right, bottom of the two canvases in wing units; x runs away from the body, y down.
FORE_BOX: Box = (-0.06, -1.12, 1.32, 0.46)
HIND_BOX: Box = (-0.06, -0.40, 1.10, 1.42)
_TAIL_ANGLE = 66.0


@dataclass(frozen=True)
class Outline:
    """A closed edge [P, 2] with the centre of its polar coordinates and the angles of its cells."""

    edge: Floats
    tail: Floats | None
    centre: tuple[float, float]
    cells: tuple[float, float]
    box: Box


@dataclass(frozen=True)
class WingField:
    """Per pixel [H, W]: `u`, `v`, `depth` to the margin, `cell`, `across` a cell (-.5 to .5), its `width`."""

    u: Floats
    v: Floats
    depth: Floats
    cell: NDArray[np.intp]
    across: Floats
    width: Floats
    radius: Floats
    x: Floats
    y: Floats
    soft: float


def smooth(value: NDArray[np.floating], low: float, high: float) -> Floats:
    """Return 0 below low, 1 above high, an S between (low > high turns it round)."""
    share = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _spline(points: list[tuple[float, float]], steps: int = 14) -> Floats:
    """Return a closed Catmull-Rom curve through the points, [len * steps, 2]."""
    nodes = np.asarray(points, np.float32)
    before, after, far = np.roll(nodes, 1, 0), np.roll(nodes, -1, 0), np.roll(nodes, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    a, b, c, d = (part[:, None, :] for part in (before, nodes, after, far))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.asarray(curve.reshape(-1, 2), np.float32)


def _polar(angle: float, radius: float) -> tuple[float, float]:
    turn = np.deg2rad(angle)
    return float(radius * np.cos(turn)), float(radius * np.sin(turn))


def fore_outline(shape: Shape) -> Outline:
    """Return the edge of the right fore-wing, root at the origin."""
    ax, ay = _polar(-shape.apex, shape.length)
    nx, ny = ay / shape.length, -ax / shape.length  # out of the leading edge, forward
    tx, ty = _polar(3.0, shape.tornus)
    bulge, tip = shape.bulge, shape.tip
    mx, my = ax + (tx - ax) * 0.52, ay + (ty - ay) * 0.52
    points = [
        (-0.03, -0.10),
        (ax * 0.34 + nx * bulge, ay * 0.34 + ny * bulge),
        (ax * 0.70 + nx * bulge * 0.95, ay * 0.70 + ny * bulge * 0.95),
        (ax - ax * tip * 0.5 + nx * tip * 0.45, ay - ay * tip * 0.5 + ny * tip * 0.45),
        (ax + 0.012, ay + tip * 0.9),
        (mx - shape.hollow * 0.8, my - shape.hollow * 0.15),
        (tx + 0.01, ty - 0.06),
        (tx * 0.93, ty + 0.045),
        (tx * 0.5, ty + 0.075),
        (-0.03, 0.13),
    ]
    edge = _scalloped(_spline(points), (-0.12, 0.02), (-shape.apex - 3, 6.0), shape.scallop * 0.45)
    return Outline(edge, None, (-0.12, 0.02), (-shape.apex - 3, 6.0), FORE_BOX)


def hind_outline(shape: Shape) -> Outline:
    """Return the edge of the right hind-wing, with its tail."""
    rim = [_polar(angle, radius) for angle, radius in zip(HIND_ANGLES, shape.hind, strict=True)]
    points = [(-0.03, -0.06), (0.22, -0.13), *rim, (-0.015, shape.hind[-1] * 0.72), (-0.03, 0.10)]
    centre, cells = (-0.10, -0.02), (-8.0, 84.0)
    edge = _scalloped(_spline(points), centre, cells, shape.scallop)
    return Outline(edge, _tail(shape) if shape.tail > 0.02 else None, centre, cells, HIND_BOX)


def _scalloped(edge: Floats, centre: tuple[float, float], cells: tuple[float, float], depth: float) -> Floats:
    """Return the edge with the outer margin waved, one wave a cell, the points on the veins."""
    spread = edge - np.asarray(centre, np.float32)
    angle = np.rad2deg(np.arctan2(spread[:, 1], spread[:, 0]))
    v = (angle - cells[0]) / (cells[1] - cells[0])
    far = smooth(np.hypot(spread[:, 0], spread[:, 1]), 0.35, 0.6)
    inside = smooth(v, -0.02, 0.1) * smooth(v, 1.02, 0.9) * far
    wave = (np.abs(np.cos(np.pi * v * CELLS)) - 0.6) * depth * inside
    return np.asarray(edge + spread * wave[:, None] * 1.6, np.float32)


def _tail(shape: Shape) -> Floats:
    """Return the polygon of the tail: a neck that swells to a rounded club."""
    bx, by = _polar(_TAIL_ANGLE, float(np.interp(_TAIL_ANGLE, HIND_ANGLES, shape.hind)) - 0.09)
    t = np.linspace(0, 1, 40, dtype=np.float32)
    reach = shape.tail + 0.09
    x = bx + reach * (0.10 * t + 0.16 * t * t)
    y = by + reach * t
    club = np.sqrt(np.clip(1 - ((t - 0.82) / 0.18) ** 2, 0, 1)) * (t > 0.64)
    wide = 0.55 * shape.tail**0.5
    neck = np.where(t < 0.82, 0.034 + 0.16 * np.exp(-t * 6.5), 0) * wide**0.5
    half = np.maximum(neck, wide * 0.135 * club)
    left, right = np.stack([x - half, y], 1), np.stack([x + half, y], 1)
    return np.asarray(np.concatenate([left, right[::-1]]), np.float32)


def wing_field(outline: Outline, density: float) -> WingField:
    """Return the wing's coordinates on a canvas of `density` pixels a unit."""
    left, top, right, bottom = outline.box
    columns, rows = round((right - left) * density), round((bottom - top) * density)
    x = (left + (np.arange(columns, dtype=np.float32) + 0.5) / density)[None, :]
    y = (top + (np.arange(rows, dtype=np.float32) + 0.5) / density)[:, None]
    dx, dy = x - outline.centre[0], y - outline.centre[1]
    radius = np.hypot(dx, dy)
    angle = np.arctan2(dy, dx)
    angles, reaches, slopes = _reach(outline)
    reach = np.interp(angle, angles, reaches).astype(np.float32)
    slope = np.interp(angle, angles, slopes).astype(np.float32)
    u = radius / reach
    first, last = np.deg2rad(outline.cells[0]), np.deg2rad(outline.cells[1])
    bent = angle + 0.16 * (1 - np.clip(u, 0, 1)) ** 2  # veins leave the root in a curve
    v = ((bent - first) / (last - first)).astype(np.float32)
    cell = np.clip(np.floor(v * CELLS), -2, CELLS + 1).astype(np.intp)
    across = v * CELLS - np.floor(v * CELLS) - np.float32(0.5)
    width = radius * np.float32((last - first) / CELLS)
    grid = np.broadcast_arrays(x, y)
    return WingField(
        u, v, (reach - radius) * slope, cell, across, width, radius, grid[0], grid[1], max(0.005, 0.9 / density)
    )


def _reach(outline: Outline) -> tuple[Floats, Floats, Floats]:
    """Return angles, the edge's radius at each, and what turns a radial gap into a distance."""
    far = outline.edge[outline.edge[:, 0] > 0]  # the root's own edge lies under the body
    spread = far - np.asarray(outline.centre, np.float32)
    angle = np.arctan2(spread[:, 1], spread[:, 0])
    order = np.argsort(angle)
    angles = np.linspace(-np.pi, np.pi, 721, dtype=np.float32)
    reach = np.interp(angles, angle[order], np.hypot(spread[:, 0], spread[:, 1])[order], period=2 * np.pi)
    kernel = np.hanning(45) / np.hanning(45).sum()  # wider than a scallop
    slow = np.convolve(np.pad(reach, 22, mode="wrap"), kernel, mode="valid")
    slope = 1 / np.sqrt(1 + (np.gradient(slow, angles) / slow) ** 2)
    return angles.astype(np.float32), reach.astype(np.float32), slope.astype(np.float32)


def edge_mask(outline: Outline, density: float) -> Floats:
    """Return the wing's coverage [H, W], 0 to 1, anti-aliased by drawing four times larger."""
    left, top, right, bottom = outline.box
    columns, rows = round((right - left) * density), round((bottom - top) * density)
    canvas = Image.new("L", (columns * 4, rows * 4))
    pen = ImageDraw.Draw(canvas)
    for polygon in (outline.edge, outline.tail):
        if polygon is not None:
            corners = (polygon - np.asarray((left, top), np.float32)) * (density * 4)
            pen.polygon([(float(px), float(py)) for px, py in corners], fill=255)
    return np.asarray(np.asarray(canvas.reduce(4)) / 255, np.float32)


class Canvas:
    """A wing being painted: colours [H, W, 3] and how much of it pigment covers (glass wings)."""

    def __init__(self, field: WingField, inner: Colour, outer: Colour) -> None:
        self.field = field
        blend = smooth(field.u + 0.12 * (0.5 - field.v), 0.15, 0.95)[..., None]
        first, second = np.asarray(inner, np.float32), np.asarray(outer, np.float32)
        self.rgb: Floats = first + (second - first) * blend
        self.cover: Floats = np.zeros_like(field.u)

    def paint(self, mask: Floats, colour: Colour) -> None:
        """Lay a colour over the wing where mask [H, W] is above 0."""
        self.rgb += (np.asarray(colour, np.float32) - self.rgb) * mask[..., None]
        np.maximum(self.cover, mask, out=self.cover)


@lru_cache(maxsize=4)
def streaks() -> Floats:
    """Return the fixed noise [96, 192] of scales, streaked along its first axis."""
    noise = np.random.default_rng(20240).standard_normal((96, 192)).astype(np.float32)
    return np.asarray((noise + np.roll(noise, 1, 0) + np.roll(noise, 2, 0)) / 1.73, np.float32)
