"""Answers of a database or service that may hang, for pages that must not."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connections

logger = logging.getLogger(__name__)

T = TypeVar("T")

KEPT_SECONDS = 4.0
"""That a result is given again, however many want it."""
PATIENCE = 2.0
"""Seconds that a caller waits for a new result."""


class Bounded(Generic[T]):
    """The newest result of a reading. A thread of its own reads, one at a time, so a hanging one costs one thread."""

    def __init__(self, name: str, read: Callable[[], T]) -> None:
        self._name, self._read = name, read
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._result: T | None = None
        self._at = float("-inf")

    def now(self) -> T | None:
        """Return a result that is at most KEPT_SECONDS old; None when the reading fails, or takes above PATIENCE."""
        with self._lock:
            if self._is_new():
                return self._result
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew, name=f"reading-{self._name}", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(PATIENCE)
        with self._lock:
            return self._result if self._is_new() else None

    def _is_new(self) -> bool:
        return time.monotonic() - self._at < KEPT_SECONDS

    def _renew(self) -> None:
        try:
            result = self._read()
            with self._lock:
                self._result, self._at = result, time.monotonic()
        except Exception as error:  # noqa: BLE001  of a database or a service: any of them fails in its own way
            logger.warning("%s cannot be read: %s", self._name, error)
        finally:
            connections.close_all()  # those of this thread
