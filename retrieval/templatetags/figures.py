"""How figures, text with code and the results of a column are written on pages."""

import re
from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from retrieval.experiments.services.field_titles import title_of
from retrieval.search.services.deduplicate import ResultGroup, grouped
from retrieval.search.services.results import Result

register = template.Library()


@register.filter
def percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction of 1 as a number of hundredths, without a sign: 0.4977 is 49.8."""
    return "–" if value is None else f"{100 * value:.{digits}f}"


@register.filter
def field_title(name: str) -> str:
    """Write what a field of a protocol or of a run is called: `memory_warmup_epochs` is Memory warm-up."""
    return capfirst(title_of(name))


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


@register.filter
def code(text: str) -> SafeString:
    """Write what stands in backticks as code, all of it escaped."""
    parts = re.split("`([^`]+)`", text)  # every other one stood in backticks
    written = [format_html("<code>{}</code>", part) if place % 2 else part for place, part in enumerate(parts)]
    return format_html("{}" * len(written), *written)


@register.filter
def deduplicate(results: Sequence[Result]) -> list[ResultGroup]:
    """Group near-duplicates below the best of them."""
    return grouped(results)
