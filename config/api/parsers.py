"""JSON parser with a bounded depth."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser as AnyJSONParser


class JSONParser(AnyJSONParser):
    """Read JSON whose lists and objects are nested at most JSON_MAX_LEVELS deep."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the body's value.

        Raises:
            ParseError: it is no JSON, or nested deeper.
        """
        too_deep = f"JSON may be nested {settings.JSON_MAX_LEVELS} levels deep; send a flatter body"
        try:
            value = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(too_deep) from None
        if _is_deeper(value, settings.JSON_MAX_LEVELS):
            raise ParseError(too_deep)
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
