"""Log records as the site writes them, kept for a test."""

import json
import logging
import time
from collections.abc import Callable
from io import StringIO
from typing import Any

from config.logs import formatter


class Records:
    """What was logged since, as lines and as JSON."""

    def __init__(self) -> None:
        self._streams = {name: StringIO() for name in ("line", "json")}
        self._handlers = [logging.StreamHandler(stream) for stream in self._streams.values()]
        for name, handler in zip(self._streams, self._handlers, strict=True):
            handler.setFormatter(formatter(name))
            logging.getLogger().addHandler(handler)

    def close(self) -> None:
        for handler in self._handlers:
            logging.getLogger().removeHandler(handler)

    @property
    def text(self) -> str:
        """All that was written, in both formats."""
        return "".join(stream.getvalue() for stream in self._streams.values())

    def lines(self) -> list[str]:
        return self._streams["line"].getvalue().splitlines()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._streams["json"].getvalue().splitlines()]

    def saying(self, words: str) -> list[dict[str, Any]]:
        """Return the records whose message has these words."""
        return [record for record in self.all() if words in record["event"]]

    def one(self, words: str) -> dict[str, Any]:
        (record,) = self.saying(words)
        return record


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
