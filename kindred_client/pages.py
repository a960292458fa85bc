"""Lists that are read page by page, as far as they are looked at."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from kindred_client.tables import Table

T = TypeVar("T")


class Pages(Generic[T]):
    """The rows of a list. Each walk asks anew, a page when the one before is used up."""

    def __init__(self, ask: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        self._ask = ask

    def __iter__(self) -> Iterator[T]:
        cursor = ""
        while True:
            page = self._ask({"cursor": cursor} if cursor else {})
            yield from page["results"]
            cursor = cursor_in(page["next"])
            if not cursor:
                return

    def first(self) -> T | None:
        """Return the first row, None when there is none."""
        return next(iter(self), None)

    def table(self) -> Table:
        """Read all of them, flat."""
        return Table.of(row for row in self if isinstance(row, Mapping))


def cursor_in(url: str | None) -> str:
    """Return the cursor of the next page's URL; the rest of the URL is not used.

    So what goes with the request, the token, goes nowhere that an answer names.
    """
    cursors = parse_qs(urlsplit(url or "").query).get("cursor", [""])
    return cursors[0]
