"""How figures are written on pages."""

from django import template

register = template.Library()


@register.filter
def percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction of 1 as a number of hundredths, without a sign: 0.4977 is 49.8."""
    return "–" if value is None else f"{100 * value:.{digits}f}"


@register.filter
def cosine(value: float | None) -> str:
    """Write a cosine similarity with four digits."""
    return "–" if value is None else f"{value:.4f}"


@register.filter
def short(value: float) -> str:
    """Write a parameter's value with four significant digits: 0.012345678 is 0.01235."""
    return f"{value:.4g}"


@register.filter
def duration(seconds: float | None) -> str:
    """Write seconds as people say them: 42 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    if seconds is None:
        return "–"
    whole = max(1, round(seconds))
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
