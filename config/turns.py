"""Turns: few threads of a process compute at once, and the others follow in the order in which they came.

Python runs one thread at a time and picks the next one by chance. Thirty threads that all have work slow each other
down, and some wait four times as long as others. A thread leaves its turn while it waits for something else.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """At most `count` threads have a turn at once. Whoever comes back from a wait goes before whoever is new."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._free = count
        self._back: deque[threading.Event] = deque()
        self._new: deque[threading.Event] = deque()
        self._of_thread = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn, and keep it during the block; a thread that has one already goes on with it."""
        if self._has_turn():
            yield
            return
        self._take(self._new)
        self._of_thread.has_turn = True
        try:
            yield
        finally:
            self._of_thread.has_turn = False
            self._give()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Give the turn to others during the block, and take one again after it; do nothing in a thread without one."""
        if not self._has_turn():
            yield
            return
        self._of_thread.has_turn = False
        self._give()
        try:
            yield
        finally:
            self._take(self._back)
            self._of_thread.has_turn = True

    def pass_on(self) -> None:
        """Let one who waits go first; go on at once where nobody waits, and in a thread without a turn."""
        with self.left():
            pass

    def _has_turn(self) -> bool:
        return getattr(self._of_thread, "has_turn", False)

    def _take(self, waiting: deque[threading.Event]) -> None:
        called = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            waiting.append(called)
        called.wait()

    def _give(self) -> None:
        with self._lock:
            waiting = self._back or self._new
            if waiting:
                waiting.popleft().set()
            else:
                self._free += 1
