"""Pauses after a service did not answer: one that hangs must not hold every thread of a process."""

import threading
import time

SECONDS = 3.0


class Pause:
    """When this process asks a service again that did not answer: by one caller in `SECONDS`, until it answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0  # when one caller may ask again; 0 while the service answers

    def may_ask(self) -> bool:
        """Say whether this caller should ask now; of a service that did not answer, the others wait for the outcome."""
        with self._lock:
            if not self._next:
                return True
            if time.monotonic() < self._next:
                return False
            self._next = time.monotonic() + SECONDS
            return True

    def begin(self) -> None:
        """Note that the service did not answer."""
        with self._lock:
            self._next = time.monotonic() + SECONDS

    def end(self) -> None:
        """Note that it answered."""
        with self._lock:
            self._next = 0.0
