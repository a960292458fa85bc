"""Bounds of a child process, enforced by its parent: resident memory and time.

Not RLIMIT_AS: CUDA reserves far more addresses than it ever uses, and could not start.
"""

import contextvars
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
_PROC = Path("/proc")
_KILOBYTE = 2**10
_MEGABYTE = 2**20


@dataclass(frozen=True)
class Bounds:
    """The most that a process may take together with all that it started: bytes of memory and seconds; None: any."""

    memory: int | None = None
    seconds: float | None = None


class Watch:
    """A thread that ends a process group as soon as it is above its bounds; `reason` then says why."""

    def __init__(self, group: int, bounds: Bounds) -> None:
        """Watch from now on, until `stop`."""
        self.reason = ""
        self._group, self._bounds = group, bounds
        self._began = time.monotonic()
        self._stopped = threading.Event()
        run = contextvars.copy_context().run  # so its log records name the job
        self._thread = threading.Thread(target=run, args=(self._look_again,), name="child-bounds", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more. Called before the group's number may become another's."""
        self._stopped.set()
        self._thread.join()

    def _look_again(self) -> None:
        while not self._stopped.wait(LOOK_EVERY):
            self.reason = self._excess()
            if self.reason:
                logger.warning("child %s is killed: it %s", self._group, self.reason)
                with suppress(ProcessLookupError):
                    os.killpg(self._group, signal.SIGKILL)
                return

    def _excess(self) -> str:
        memory, seconds = self._bounds.memory, self._bounds.seconds
        if seconds is not None and time.monotonic() - self._began > seconds:
            return f"took longer than {seconds:g} seconds (KINDRED_JOB_SECONDS)"
        if memory is not None and memory_of_group(self._group) > memory:
            return f"needed more than {memory // _MEGABYTE:,} MB of memory (KINDRED_JOB_MEMORY_MB)"
        return ""


def memory_of_group(group: int) -> int:
    """Return the bytes that a process group has in memory; what several share is counted once."""
    return sum(memory_of(process) for process in _processes_of(group))


def _processes_of(group: int) -> Iterator[Path]:
    for process in _PROC.glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            # The name, in brackets, may hold anything; after it come state, parent and group.
            if int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[2]) == group:
                yield process


def memory_of(process: Path) -> int:
    """Return the bytes of a process's proportional share of memory, by its folder in /proc; 0 when it has ended."""
    with suppress(OSError):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * _KILOBYTE
    return 0
