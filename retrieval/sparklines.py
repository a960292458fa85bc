"""Coordinates of small charts on pages; templates draw them."""

from collections.abc import Sequence

WIDTH, HEIGHT = 240, 60  # of a curve's drawing


def curve_points(values: Sequence[float]) -> str:
    """Return values as the points of an SVG polyline that fills its drawing, "" for fewer than two."""
    if len(values) < 2:
        return ""
    low, span = min(values), (max(values) - min(values)) or 1.0
    step = WIDTH / (len(values) - 1)
    return " ".join(
        f"{place * step:.1f},{HEIGHT - 2 - (HEIGHT - 4) * (value - low) / span:.1f}"
        for place, value in enumerate(values)
    )


def place_between(low: float, value: float, high: float) -> str:
    """Return the position of a value between low and high, 0 to 1."""
    return f"{(value - low) / ((high - low) or 1.0):.4f}"
