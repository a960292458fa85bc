"""The JSON that the API reads: of bounded depth, however many brackets fit into a body."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser as AnyJSONParser


class JSONParser(AnyJSONParser):
    """Read JSON whose lists and objects lie at most JSON_MAX_LEVELS within each other."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what the body holds.

        Raises:
            ParseError: it is no JSON, or nested deeper.
        """
        told = f"JSON is read to {settings.JSON_MAX_LEVELS} levels of lists and objects; send a flatter body"
        try:
            value = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(told) from None
        if _is_deeper(value, settings.JSON_MAX_LEVELS):
            raise ParseError(told)
        return value


def _is_deeper(value: Any, levels: int) -> bool:
    inside = [value]
    for _ in range(levels):
        inside = [inner for item in inside for inner in _held_by(item)]
    return any(isinstance(item, dict | list) for item in inside)


def _held_by(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()
