"""How long work reports: one callback, and no opinion on who listens."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as progress(phase, done, total); total 0 means unknown. May raise Stopped."""


def no_progress(phase: str, done: int, total: int) -> None:
    """Ignore the report: the default listener."""
