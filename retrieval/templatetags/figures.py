"""How figures are written on pages."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction of 1 as a number of hundredths, without a sign: 0.4977 is 49.8."""
    return "–" if value is None else f"{100 * value:.{digits}f}"


@register.filter
def recalls(recall_at: Mapping[Any, float]) -> list[tuple[int, float]]:
    """Return (K, Recall@K) of every K that was measured, the smallest first; data sets have different ones."""
    return sorted((int(k), value) for k, value in recall_at.items())


@register.filter
def cosine(value: float | None) -> str:
    """Write a cosine similarity with four digits."""
    return "–" if value is None else f"{value:.4f}"


@register.filter
def short(value: float) -> str:
    """Write a parameter's value with four significant digits: 0.012345678 is 0.01235."""
    return f"{value:.4g}"
