"""The objects of large JSON files, one at a time: annotations of a benchmark may take hundreds of MB."""

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

from mlcore.errors import DatasetError

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def iterate_lists(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (key, object) for each object in the lists of a JSON object, {"images": [{...}, ...], ...}.

    Values that are no lists, and what is no object in a list, are passed over. `name` is that of the file.

    Raises:
        DatasetError: the text is no such JSON.
    """
    try:
        position = _after(text, 0, "{")
        while text[position] != "}":
            key, position = _DECODER.raw_decode(text, position)
            position = _after(text, position, ":")
            if text[position] == "[":
                position = yield from _objects(text, position, str(key))
            else:
                _, position = _DECODER.raw_decode(text, position)
            position = _next(text, position, "}")
    except (ValueError, IndexError, RecursionError) as error:
        raise DatasetError(f"{name} cannot be read as JSON: {error}; fetch it again") from error


def _objects(text: str, position: int, key: str) -> Generator[tuple[str, dict[str, Any]], None, int]:
    """Yield the objects of the list at `position`; return the position after it."""
    position = _after(text, position, "[")
    while text[position] != "]":
        value, position = _DECODER.raw_decode(text, position)
        if isinstance(value, dict):
            yield key, value
        position = _next(text, position, "]")
    return position + 1


def _after(text: str, position: int, mark: str) -> int:
    """Return the position of what follows `mark` and the space around it."""
    position = _skip_space(text, position)
    if text[position] != mark:
        raise ValueError(f"{mark!r} expected at character {position}")
    return _skip_space(text, position + 1)


def _next(text: str, position: int, end: str) -> int:
    """Return the position of the next element, or of the `end` of them."""
    position = _skip_space(text, position)
    return position if text[position] == end else _after(text, position, ",")


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
