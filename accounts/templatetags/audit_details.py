"""Details of audit entries as people write them."""

from collections.abc import Mapping

from django import template

register = template.Library()

LISTED = 10
"""Members of a list that are written; a deletion may have a hundred paths."""


@register.filter
def words(value: object) -> str:
    """Return a value of the details in words: `a, b and 7 more`, `yes`, `none`."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name_words(name)} {words(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        written = ", ".join(words(member) for member in value[:LISTED])
        more = len(value) - LISTED
        return f"{written} and {more} more" if more > 0 else written or "none"
    return str(value)


@register.filter
def name_words(name: str) -> str:
    """Return the name of a detail in words."""
    return str(name).replace("_", " ").replace("-", " ")
