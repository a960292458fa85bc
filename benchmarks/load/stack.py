"""The processes of the Procfile, which can be stopped and killed one by one, and the memory that they take."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measuring import ROOT
from benchmarks.search_site import Api, free_port
from jobs.bounds import memory_of_group

START_SECONDS = 300
STOP_SECONDS = 60  # a worker has 20 to give its job back
NAMES = ("web", "work", "train", "beat")


class Stack:
    """The processes of a site in `var`, each the leader of a session of its own."""

    def __init__(self, environment: Mapping[str, str], var: Path) -> None:
        self.port = free_port()
        self._environment = {**environment, "KINDRED_HOST": "127.0.0.1", "KINDRED_PORT": str(self.port)}
        self._var = var
        self._commands = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.M))
        self._leaders: dict[str, subprocess.Popen[bytes]] = {}
        self._most: dict[str, float] = {}

    def start(self, name: str) -> None:
        """Start a process by its name in the Procfile."""
        with self.log(name).open("ab") as log:
            self._leaders[name] = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {self._commands[name]}"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_all(self, token: str) -> None:
        """Start every process; return when the site is ready."""
        for name in NAMES:
            self.start(name)
        api, until = Api(self.port, token), time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.dead() == []:
            with contextlib.suppress(OSError):
                if api.status("/readyz") == 200:
                    return
            time.sleep(0.2)
        raise SystemExit(f"the site does not start:\n{self.log('web').read_text()[-4000:]}")

    def restart(self, name: str) -> None:
        """Ask a process to end, wait until it has, and start it again."""
        self._end(name)
        self.start(name)

    def kill(self, name: str) -> None:
        """Kill a process and all below it, as the kernel does when memory runs out."""
        leader = self._leaders[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader.pid, signal.SIGKILL)
        leader.wait()

    def stop_all(self) -> None:
        """End every process, beat and web first, so that nothing new comes to the workers."""
        for name in reversed(list(self._leaders)):
            self._end(name)

    def dead(self) -> list[str]:
        """Return the names of processes that have ended by themselves."""
        return [name for name, leader in self._leaders.items() if leader.poll() is not None]

    def log(self, name: str) -> Path:
        """Return the file with all that a process has written."""
        return self._var / f"{name}.log"

    def memory(self) -> dict[str, float]:
        """Return the MiB that each process takes now, with those below it; shared memory counts by its share."""
        seen = {name: memory_of_group(leader.pid) / 2**20 for name, leader in self._leaders.items()}
        self._most = {name: max(taken, self._most.get(name, 0.0)) for name, taken in seen.items()}
        return seen

    @property
    def most_memory(self) -> dict[str, float]:
        """The most that `memory` has returned so far, by process."""
        return dict(self._most)

    def _end(self, name: str) -> None:
        leader = self._leaders[name]
        leader.terminate()
        try:
            leader.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill(name)
            raise SystemExit(f"{name} did not end within {STOP_SECONDS} s after SIGTERM") from None
