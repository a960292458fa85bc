"""No page escapes the browser's tests."""

from collections.abc import Iterator

from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from tests.e2e.pages import NO_PAGES, PAGES, VISITORS_PAGES


def names(resolver: URLResolver) -> Iterator[str]:
    """Give the name of every address but the API's and the Django admin's."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            if entry.name and not str(entry.pattern).startswith(("api/", "^api/")):
                yield entry.name
        elif not str(entry.pattern).startswith(("api/", "admin/")):
            yield from names(entry)


def test_every_address_is_a_page_that_is_looked_at_or_said_to_be_none() -> None:
    known = PAGES.keys() | VISITORS_PAGES.keys() | NO_PAGES
    assert set(names(get_resolver())) == known


def test_nothing_is_a_page_and_none() -> None:
    assert not (PAGES.keys() | VISITORS_PAGES.keys()) & NO_PAGES
