"""Pauses after a service did not answer: one that hangs must not hold every thread of a process."""

import time

SECONDS = 3.0


class Pause:
    """When a service that did not answer is asked again by this process."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """Whether nobody should ask now."""
        return time.monotonic() < self._until

    def begin(self) -> None:
        """Ask no more for `SECONDS`."""
        self._until = time.monotonic() + SECONDS

    def end(self) -> None:
        """Ask again at once."""
        self._until = 0.0
