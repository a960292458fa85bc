"""What is made of the answers' columns where they are shown."""

from typing import Any

from django import template

from retrieval.models import Search
from retrieval.registry.services import confidence as services
from retrieval.search.services.deduplicate import folded

register = template.Library()


@register.simple_tag
def weigh(search: Search, columns: list[dict[str, Any]]) -> str:
    """Give every column its verdict and return a sentence on whether they agree."""
    return services.weigh(search, columns)


@register.filter
def fold(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put answers that look the same into the best of them."""
    return folded(answers)
