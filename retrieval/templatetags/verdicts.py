"""What the answers' columns say that the query is."""

from typing import Any

from django import template

from retrieval.models import Search
from retrieval.verdicts import services

register = template.Library()


@register.simple_tag
def weigh(search: Search, columns: list[dict[str, Any]]) -> str:
    """Give every column its verdict and return a sentence on whether they agree."""
    return services.weigh(search, columns)
