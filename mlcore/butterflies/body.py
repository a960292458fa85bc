"""The body of a butterfly: furry thorax, ringed abdomen, head and clubbed antennae."""

import numpy as np
from PIL import Image, ImageDraw

from mlcore.butterflies.field import Box, Floats, smooth, streaks
from mlcore.butterflies.genera import Palette
from mlcore.butterflies.species import mix

BODY_BOX: Box = (-0.42, -0.86, 0.42, 0.66)


def paint_body(palette: Palette, folded: bool, density: float) -> Image.Image:
    """Return the body seen from above, or from the side when the wings are folded, RGBA."""
    left, top, right, bottom = BODY_BOX
    columns, rows = round((right - left) * density), round((bottom - top) * density)
    x = (left + (np.arange(columns, dtype=np.float32) + 0.5) / density)[None, :]
    y = (top + (np.arange(rows, dtype=np.float32) + 0.5) / density)[:, None]
    soft = 1.0 / density
    lean = 0.035 if folded else 0.0
    half = _half_width(y)
    off = np.abs(x + lean)
    trunk = np.clip((half - off) / (2 * soft) + 0.5, 0, 1) * (half > 0)
    round_shade = np.sqrt(np.clip(1 - (off / np.maximum(half, 0.01)) ** 2, 0, 1))
    rings = 1 - 0.22 * smooth(np.cos(y * 75).astype(np.float32), 0.3, 1.0) * (y > 0.12)
    noise = streaks()
    fur = noise[(y * 90).astype(np.intp) % 96, (x * 260).astype(np.intp) % 192]
    dark = np.asarray(mix(palette.dark, palette.ground, 0.22), np.float32)
    light = np.asarray(mix(palette.dark, mix(palette.ground, palette.pale, 0.4), 0.6), np.float32)
    gloss = (round_shade * 0.75 + 0.25 * smooth((x * -9).astype(np.float32), -0.6, 0.6)) * rings
    gloss = np.clip(gloss + 0.10 * fur * (y < 0.10), 0, 1.1)[..., None] ** 1.3
    rgb = dark * (0.55 + 0.45 * gloss) + (light - dark) * gloss * 0.75
    lines = _thin_lines(folded, lean, density, (columns, rows))
    ink = np.asarray(mix(palette.dark, (0.1, 0.07, 0.06), 0.5), np.float32)
    rgb = np.where((trunk > 0.5)[..., None], rgb, ink)
    alpha = np.maximum(trunk, lines)[..., None]
    pixels = np.clip(np.concatenate([rgb, alpha], axis=2), 0, 1)
    return Image.fromarray((pixels * 255 + 0.5).astype(np.uint8))


def _half_width(y: Floats) -> Floats:
    """Return half the body's width at each height: head, thorax, tapering abdomen."""
    head = 0.048 * np.sqrt(np.clip(1 - ((y + 0.235) / 0.058) ** 2, 0, None))
    thorax = 0.074 * np.sqrt(np.clip(1 - ((y + 0.055) / 0.165) ** 2, 0, None))
    tail = 0.052 * np.sqrt(np.clip(1 - ((y - 0.25) / 0.30) ** 2, 0, None)) * (1 - 0.35 * np.clip(y - 0.2, 0, 1))
    return np.asarray(np.maximum(np.maximum(head, thorax), tail), np.float32)


def _thin_lines(folded: bool, lean: float, density: float, shape: tuple[int, int]) -> Floats:
    """Return coverage [H, W] of antennae and, from the side, legs; drawn four times larger."""
    canvas = Image.new("L", (shape[0] * 4, shape[1] * 4))
    pen = ImageDraw.Draw(canvas)
    scale = density * 4

    def stroke(points: Floats, wide: float) -> None:
        at = [((px - BODY_BOX[0]) * scale, (py - BODY_BOX[1]) * scale) for px, py in points.tolist()]
        pen.line(at, fill=255, width=max(2, round(wide * scale)), joint="curve")

    t = np.linspace(0, 1, 16, dtype=np.float32)
    for side, reach in ((1, 0.30), (0.62 if folded else -1, 0.30)):
        curve = np.stack([side * (0.02 + reach * t**1.5) - lean, -0.26 - 0.50 * t + 0.06 * t * t], 1)
        stroke(curve, 0.011)
        cx, cy = ((curve[-1] - np.asarray(BODY_BOX[:2], np.float32)) * scale).tolist()
        club = 0.019 * scale
        pen.ellipse((cx - club, cy - club * 1.5, cx + club, cy + club * 1.5), fill=255)
    for knee in (-0.14, -0.04, 0.05) if folded else ():
        bent = [[-lean, knee], [-lean - 0.15, knee - 0.02], [-lean - 0.25, knee + 0.05]]
        stroke(np.asarray(bent, np.float32), 0.013)
    return np.asarray(np.asarray(canvas.reduce(4)) / 255, np.float32)
