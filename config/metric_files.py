"""Files through which the web processes of a host add up their metrics, whichever of them is asked.

prometheus_client keeps the numbers of each process in files of its own, which are mapped into its memory. Each process
also holds a lock for as long as it lives, so the others know which numbers are of the living.

The files have their place on the disk from the start: a full disk ends a process that writes to a hole of a mapped one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from config.environment import VAR_DIR
from config.places import keep_private_folder
from mlcore.artifacts import allocate

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client knows the folder: it must be set before that is imported."""

KINDS, BYTES = ("counter", "histogram", "gauge_livesum"), 2**21
"""Of a process's files: how their names begin, and what they may take. A few thousand series are half of that."""

_held: list[IO[bytes]] = []
"""The lock of this process; the file stays open until the process ends."""


def share(var: Path = VAR_DIR) -> None:
    """Keep this process's metrics in files that all web processes read; only the entry point calls this.

    What earlier processes left is removed if none of them lives.

    Raises:
        OSError: there is no room for them.
    """
    folder = keep_private_folder(var / "metrics")
    os.environ[FOLDER] = str(folder)
    with _alone(folder):
        if not _living(folder):
            for file in folder.glob("*.db"):
                file.unlink()
        for kind in KINDS:
            allocate(folder / f"{kind}_{os.getpid()}.db", BYTES)
        own = (folder / f"{os.getpid()}.process").open("wb")  # the file's lock goes with the process
        fcntl.flock(own, fcntl.LOCK_EX)
        _held.append(own)


def shared_folder() -> Path | None:
    """Return the folder of the files; None in a process that does not share its metrics."""
    return Path(os.environ[FOLDER]) if _held else None


def living_processes() -> list[int]:
    """Return the numbers of the processes that share their metrics, this one at least, in order."""
    folder = shared_folder()
    if folder is None:
        return [os.getpid()]
    with _alone(folder):
        return sorted(_living(folder))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other process start or be looked at during the block."""
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _living(folder: Path) -> list[int]:
    """Return the processes that hold their locks; what the others held in queues and memory is forgotten."""
    living = []
    for file in folder.glob("*.process"):
        with file.open("rb") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                living.append(int(file.stem))
                continue
        for gauge in folder.glob(f"gauge_live*_{file.stem}.db"):
            gauge.unlink()
        file.unlink()
    return living
