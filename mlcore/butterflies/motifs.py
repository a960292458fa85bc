"""The motifs of a wing's pattern, each a function that paints one on a canvas.

The order of `MOTIFS` is the order of painting. Every motif draws the same random numbers whatever
its strength, so that two species which differ in one gene differ in one motif.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.butterflies.field import (
    CELLS,
    Canvas,
    Floats,
    Outline,
    WingField,
    edge_mask,
    smooth,
    streaks,
    wing_field,
)
from mlcore.butterflies.genera import Palette, WingPattern

Motif = Callable[["Wing"], None]


@dataclass(frozen=True)
class Wing:
    """What a motif works with; `rng` has one stream for the whole wing."""

    canvas: Canvas
    outline: Outline
    pattern: WingPattern
    palette: Palette
    rng: np.random.Generator

    @property
    def field(self) -> WingField:
        return self.canvas.field


def _per_cell(field: WingField, rng: np.random.Generator) -> Floats:
    """Return one random number (-1 to 1) for each cell, spread over its pixels."""
    values = rng.uniform(-1, 1, CELLS + 4).astype(np.float32)
    return np.asarray(values[field.cell + 2], np.float32)


def _within(distance: NDArray[np.floating], reach: float | Floats, soft: float) -> Floats:
    """Return 1 where distance < reach, 0 beyond, a soft edge between."""
    return np.asarray(np.clip((reach - distance) / (2 * soft) + 0.5, 0, 1), np.float32)


def _in_cells(field: WingField, first: float = -0.05, last: float = 1.02) -> Floats:
    return smooth(field.v, first - 0.03, first) * smooth(field.v, last + 0.03, last)


def _place(field: WingField, u: float, cell: float) -> tuple[float, float]:
    """Return x, y of a point at `u` in the middle of a cell."""
    miss = np.abs(field.u - np.float32(u)) + np.abs(field.v * CELLS - np.float32(cell + 0.5)) * np.float32(0.3)
    row, column = np.unravel_index(int(np.argmin(miss)), miss.shape)
    return float(field.x[row, column]), float(field.y[row, column])


def mottle(wing: Wing) -> None:
    """Cloud the ground, like bark or dry leaves."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    phase = wing.rng.uniform(0, 6.28, 6)
    if pattern.mottle == 0:
        return
    wave = (
        np.sin(field.x * 19 + phase[0] + 2.0 * np.sin(field.y * 9 + phase[1]))
        + np.sin(field.y * 23 + phase[2] + 2.0 * np.sin(field.x * 11 + phase[3]))
        + np.sin(field.u * 26 + phase[4] + 1.5 * np.sin(field.v * 9 + phase[5]))
    )
    cloud = smooth(wave.astype(np.float32), -0.5, 2.4) * np.float32(0.42 * pattern.mottle)
    shade = np.asarray(palette.under_outer, np.float32) * np.float32(0.72)
    wing.canvas.rgb += (shade - wing.canvas.rgb) * cloud[..., None]  # not pigment: glass stays clear


def basal(wing: Wing) -> None:
    """Dust the root dark."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    if pattern.basal:
        mask = smooth(field.radius, 0.16 + pattern.basal, 0.12) * np.float32(0.85)
        wing.canvas.paint(mask, palette.dark)


def band(wing: Wing) -> None:
    """Draw the band across the wing, broken at the veins, with a dark rim."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    offset = _per_cell(field, wing.rng)
    if pattern.band_width < 0.02:
        return
    middle = pattern.band_at + pattern.band_slant * (field.v - 0.5) + pattern.band_break * offset
    middle = middle + np.float32(0.07) * (0.25 - field.across**2)
    distance = np.abs(field.u - middle)
    inside = _in_cells(field, -0.30, 1.10)
    half = pattern.band_width / 2
    wing.canvas.paint(_within(distance, half + 0.018, field.soft * 1.6) * inside * np.float32(0.55), palette.dark)
    wing.canvas.paint(_within(distance, half, field.soft * 1.2) * inside, palette.band)


def bars(wing: Wing) -> None:
    """Draw short dark bars across the cell near the root."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    bend = wing.rng.uniform(-0.06, 0.06, 4)
    inside = _in_cells(field, -0.28, 0.42)
    for place in range(pattern.bars):
        middle = 0.60 - 0.125 * place + bend[place] * field.v * 2
        mask = _within(np.abs(field.u - middle.astype(np.float32)), 0.024, field.soft * 1.3)
        wing.canvas.paint(mask * inside * np.float32(0.92), palette.dark)


def margin(wing: Wing) -> None:
    """Draw the dark hem, waved and uneven from cell to cell."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    uneven = _per_cell(field, wing.rng)
    inner = smooth(field.v, 1.12, 0.96) * smooth(field.v, -0.6, -0.02)
    arch = np.cos(np.float32(2 * np.pi) * field.across)
    wide = pattern.margin * smooth(field.u, 0.1, 0.6) * (0.25 + 0.75 * inner)
    wide = wide * (1 - pattern.wave * (0.35 * arch - 0.22 * uneven))
    wing.canvas.paint(_within(field.depth, np.maximum(wide, 0.008), field.soft * 1.3), palette.dark)


def tip(wing: Wing) -> None:
    """Draw the dark tip of a fore-wing, ragged at the veins."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    uneven = _per_cell(field, wing.rng)
    if pattern.apex == 0:
        return
    edge = wing.outline.edge
    x, y = edge[np.argmin(edge[:, 1] - 0.35 * edge[:, 0])].tolist()
    along = (field.x * x + field.y * y) / (x * x + y * y)
    arch = np.cos(np.float32(2 * np.pi) * field.across)
    ragged = along + 0.035 * arch * pattern.wave + 0.02 * uneven
    start = 1 - pattern.apex
    wing.canvas.paint(smooth(ragged, start - 0.05, start + 0.02), palette.dark)


def veins(wing: Wing) -> None:
    """Draw the veins: from the cell's end to the margin, and the cell itself."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    gap = (0.5 - np.abs(field.across)) * field.width
    thick = pattern.veins * (0.45 + 0.75 * np.clip(field.u, 0, 1)) * np.clip(field.width / 0.09, 0.15, 1)
    line = _within(gap, thick, field.soft) * _in_cells(field, -0.02, 1.02)
    nearest = np.round(field.v * CELLS)
    frame = (nearest == 0) | (nearest == 4)
    strength = np.where(frame, np.float32(1), smooth(field.u, 0.46, 0.56))
    end = _within(np.abs(field.u - (0.52 + 0.03 * np.cos(field.v * 14))), pattern.veins * 0.8, field.soft)
    end = end * _in_cells(field, 0.02, 4 / CELLS - 0.02)
    lead = _within(np.abs(field.v + 0.22) * field.width * CELLS, pattern.veins * 0.9, field.soft)
    mask = np.maximum(np.maximum(line * strength, end), lead * smooth(field.u, 1.0, 0.9))
    wing.canvas.paint(mask.astype(np.float32) * np.float32(min(1.0, 0.45 + pattern.veins * 45)), palette.dark)


def spots(wing: Wing) -> None:
    """Draw a row of dark spots, one a cell, and a fainter one nearer the root."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    shift, size = _per_cell(field, wing.rng), _per_cell(field, wing.rng)
    if pattern.spots == 0:
        return
    inside = _in_cells(field, 0.0, 1.0)
    for middle, scale in ((0.70, 1.0), (0.50, 0.62)):
        along = (field.u - middle - 0.045 * shift) * (field.radius / np.maximum(field.u, 0.05))
        distance = np.hypot(along, field.across * field.width * 0.85)
        reach = pattern.spots * scale * (1 + 0.35 * size)
        wing.canvas.paint(_within(distance, reach.astype(np.float32), field.soft * 1.2) * inside, palette.dark)


def chevrons(wing: Wing) -> None:
    """Draw a V in each cell along the hem: dark on a pale hem, pale on a dark one."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    if pattern.chevrons == 0:
        return
    on_hem = pattern.margin > 0.08
    start = pattern.margin * 0.62 if on_hem else pattern.margin + 0.055
    tilt = 0.75 * np.abs(field.across) * field.width
    distance = np.abs(field.depth - start - 0.02 + tilt)
    mask = _within(distance, 0.013, field.soft * 1.1) * _in_cells(field, 0.02, 0.97)
    mask = mask * smooth(np.abs(field.across), 0.5, 0.42) * np.float32(min(1.0, pattern.chevrons))
    wing.canvas.paint(mask, palette.pale if on_hem else palette.dark)


def dots(wing: Wing) -> None:
    """Draw one or two rows of pale dots in the hem."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    size = _per_cell(field, wing.rng)
    inside = _in_cells(field, 0.02, 0.97)
    side = np.minimum(np.abs(field.across), np.abs(np.abs(field.across) - 0.5) if pattern.dots > 1 else 1.0)
    for row in range(pattern.dots):
        middle = max(pattern.margin, 0.07) * (0.34 + 0.38 * row)
        across = np.abs(field.across) if row == 0 else side
        distance = np.hypot(field.depth - middle, across * field.width)
        reach = (pattern.dot_size * (1 + 0.22 * size) * (1 - 0.22 * row)).astype(np.float32)
        wing.canvas.paint(_within(distance, reach, field.soft * 1.1) * inside, palette.pale)


def windows(wing: Wing) -> None:
    """Draw pale windows in the tip, long drops that point to the root."""
    field, palette = wing.field, wing.palette
    for place in range(wing.pattern.tips):
        x, y = _place(field, 0.80 - 0.055 * abs(place - 1.2), place - 0.55)
        turn = float(np.hypot(x, y))
        along, aside = (field.x * x + field.y * y) / turn - turn, (field.x * y - field.y * x) / turn
        distance = np.hypot(along * 0.62, aside)
        wing.canvas.paint(_within(distance, 0.030 - 0.004 * abs(place - 1), field.soft * 1.2), palette.pale)


def eyes(wing: Wing) -> None:
    """Draw eye-spots: a pale ring, a black one, an iris, a white glint."""
    field, pattern, palette = wing.field, wing.pattern, wing.palette
    style, jitter = int(wing.rng.integers(2)), wing.rng.uniform(0.85, 1.15, CELLS)
    for cell in pattern.eyes:
        radius = pattern.eye_size * float(jitter[cell])
        x, y = _place(field, 0.86 - radius * 0.9, cell)
        distance = np.hypot(field.x - x, (field.y - y) * np.float32(0.94))
        glint = np.hypot(field.x - x + radius * 0.12, field.y - y + radius * 0.14)
        soft = field.soft
        wing.canvas.paint(_within(distance, radius * 1.12, soft * 2) * np.float32(0.5), palette.dark)
        wing.canvas.paint(_within(distance, radius, soft), palette.band if style else palette.pale)
        wing.canvas.paint(_within(distance, radius * 0.80, soft), palette.dark)
        wing.canvas.paint(_within(distance, radius * 0.58, soft), palette.iris)
        wing.canvas.paint(_within(distance, radius * (0.36 if style else 0.42), soft), palette.dark)
        wing.canvas.paint(_within(glint, radius * 0.17, soft), palette.pale)


MOTIFS: tuple[Motif, ...] = (mottle, basal, band, bars, margin, tip, veins, spots, chevrons, dots, windows, eyes)


def shaded(canvas: Canvas, pattern: WingPattern) -> Floats:
    """Return the colours [H, W, 3] with pleats, scales, a metal sheen and a dark edge."""
    field, noise = canvas.field, streaks()
    inside = np.clip(field.u, 0, 1)
    pleat = 0.045 * np.cos(np.float32(2 * np.pi) * field.across) * smooth(field.u, 0.3, 0.7) * _in_cells(field)
    row = (field.radius * 44).astype(np.intp) % noise.shape[0]
    column = ((field.v + 1) * 78).astype(np.intp) % noise.shape[1]
    grain = 0.030 * noise[row, column] * smooth(field.radius, 0.12, 0.4)
    root = 0.30 * np.exp(-((field.radius / 0.24) ** 2))
    light = 1 + pleat + grain - root + 0.07 * (inside - 0.5)
    light = light * (1 - 0.35 * _within(field.depth, 0.010, field.soft * 1.5))
    rgb = canvas.rgb * light[..., None].astype(np.float32)
    if pattern.sheen:
        gleam = np.exp(-(((field.u - 0.50 - 0.25 * (field.v - 0.4)) / 0.22) ** 2))
        pigment = 1 - 0.85 * canvas.cover
        gain = (pattern.sheen * 0.30 * gleam * pigment)[..., None].astype(np.float32)
        rgb = rgb + gain * (np.float32(0.25) + rgb * np.asarray((0.5, 1.0, 0.9), np.float32)) * (1 - rgb * 0.5)
    return np.asarray(rgb, np.float32)


def paint_wing(outline: Outline, pattern: WingPattern, palette: Palette, density: float) -> Image.Image:
    """Return one wing flat, RGBA, on the canvas of its outline's box."""
    field = wing_field(outline, density)
    canvas = Canvas(field, palette.ground, palette.outer)
    wing = Wing(canvas, outline, pattern, palette, np.random.default_rng(pattern.jag))
    for motif in MOTIFS:
        motif(wing)
    rgb = shaded(canvas, pattern)
    alpha = edge_mask(outline, density) * (1 - pattern.glass * (1 - canvas.cover))
    pixels = np.concatenate([rgb, alpha[..., None]], axis=2)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
