"""How a column's results are put together on a page."""

from collections.abc import Sequence

from django import template

from retrieval.search.services.deduplicate import ResultGroup, grouped
from retrieval.search.services.results import Result

register = template.Library()


@register.filter
def deduplicate(results: Sequence[Result]) -> list[ResultGroup]:
    """Group near-duplicates below the best of them."""
    return grouped(results)
