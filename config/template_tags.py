"""Filters that every template has: moments in the reader's own time zone, names in any script."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

WRITTEN = {"day": "j M Y", "minute": "j M Y, H:i", "second": "j M Y, H:i:s", "ago": "j M Y, H:i"}
"""How exactly a moment is written, as Django's date formats."""

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


@register.filter
def when(moment: datetime | None, exactness: str = "minute") -> SafeString | str:
    """Write a moment as `<time>`, in UTC; site.js rewrites it in the reader's time zone. None is an empty text.

    `exactness` is `day`, `minute`, `second`, or `ago`: "3 min ago" on the day itself, as `minute` later.
    """
    if moment is None:
        return ""
    datetime_text = moment.astimezone(UTC).isoformat(timespec="seconds")
    return format_html(
        '<time datetime="{}" data-when="{}">{}</time>', datetime_text, exactness, when_text(moment, exactness)
    )


@register.filter
def when_text(moment: datetime, exactness: str = "minute") -> str:
    """Write a moment in UTC, and say so, for attributes, which site.js does not rewrite. `exactness` as of `when`."""
    return date_format(moment.astimezone(UTC), WRITTEN[exactness]) + ("" if exactness == "day" else " UTC")


@register.filter
def isolated_list(names: Iterable[object]) -> str:
    """Return names separated by commas, each within isolates."""
    return ", ".join(map(isolate, names))


@register.filter
def isolate(name: object) -> str:
    """Return a name within Unicode isolates, for attributes and titles: in text, `<bdi>` does the same."""
    return f"{FIRST_STRONG_ISOLATE}{name}{POP_ISOLATE}"
