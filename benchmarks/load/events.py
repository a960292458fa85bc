"""What happens to the site during a load: indexes are exchanged, workers restarted and killed, a backup is made."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from typing import Any

from benchmarks.load.judging import Journal, Unsuccessful
from benchmarks.load.site import LoadSite

BUILD_SECONDS = 900  # of an index, on a busy machine, with a worker that died meanwhile
WORKER = "work"


@dataclass(frozen=True)
class Happened:
    """Something that happened to the site. began, ended: seconds of the epoch."""

    what: str
    began: float
    ended: float


class Events:
    """The schedule of one run. The model whose index is exchanged is the first one."""

    def __init__(self, site: LoadSite, journal: Journal, backup: Path) -> None:
        self.site, self.journal, self.backup = site, journal, backup
        self.happened: list[Happened] = []
        self.swaps = 0

    @property
    def plan(self) -> list[tuple[str, Callable[[], None]]]:
        """What is to happen, in this order."""
        return [
            ("index built", self.build),
            ("index activated", self.activate_another),
            ("backup", self.back_up),
            ("index built, worker restarted", self.restart_worker),
            ("index activated", self.activate_another),
            ("index built, worker killed", self.kill_worker),
        ]

    def run(self, seconds: float, over: Flag) -> None:
        """Let it all happen, spread over so many seconds; what goes wrong is a failure of the run."""
        started = time.monotonic()
        for number, (what, happen) in enumerate(self.plan, 1):
            over.wait(max(0, started + seconds * number / (len(self.plan) + 1) - time.monotonic()))
            if over.is_set():
                return
            began = time.time()
            try:
                happen()
            except SystemExit as error:
                self._fail(what, str(error))
            self.happened.append(Happened(what, began, time.time()))

    def build(self) -> None:
        """Build an index, which then answers searches."""
        before = self.active()["id"]
        self._await_swap(self._submit(), before)

    def activate_another(self) -> None:
        """Go back to the index before."""
        active = self.active()["id"]
        rows = self.site.admin.get(f"indexes/?model={self.model}&limit=100")["results"]
        other = max(row["id"] for row in rows if row["id"] != active)
        self.site.admin.post(f"indexes/{other}/activate/", {})
        if self.active()["id"] != other:
            raise SystemExit(f"index {other} was activated, and is not active")
        self.swaps += 1

    def back_up(self) -> None:
        """Back up the site while it runs."""
        self.site.manage("backup", str(self.backup))

    def restart_worker(self) -> None:
        """Restart a worker while it builds an index."""
        before = self.active()["id"]
        job = self._submit()
        self._await_start(job)
        self.site.stack.restart(WORKER)
        self._await_swap(job, before)

    def kill_worker(self) -> None:
        """Kill a worker while it builds an index, and start another."""
        before = self.active()["id"]
        job = self._submit()
        self._await_start(job)
        self.site.stack.kill(WORKER)
        self.site.stack.start(WORKER)
        self._await_swap(job, before)

    @property
    def model(self) -> int:
        """The model whose index is exchanged."""
        return self.site.models[0]

    def active(self) -> dict[str, Any]:
        """Return the index that answers searches."""
        (row,) = self.site.admin.get(f"indexes/?model={self.model}&active=true")["results"]
        return dict(row)

    def _submit(self) -> int:
        job: int = self.site.admin.post("indexes/", {"model": self.model, "dataset": self.site.dataset})["id"]
        return job

    def _await_start(self, job: int) -> None:
        self._await(job, {"running", "succeeded"})

    def _await_swap(self, job: int, before: int) -> None:
        self._await(job, {"succeeded"})
        if self.active()["id"] == before:
            raise SystemExit(f"job {job} built an index, and index {before} is still active")
        self.swaps += 1

    def _await(self, job: int, states: set[str]) -> None:
        until = time.monotonic() + BUILD_SECONDS
        while (row := self.site.admin.get(f"jobs/{job}/"))["state"] not in states:
            if row["state"] in ("failed", "cancelled") or time.monotonic() > until:
                raise SystemExit(f"job {job} ({row['kind']}) {row['state']}: {row['error']}")
            time.sleep(0.05)

    def _fail(self, what: str, why: str) -> None:
        try:
            self.journal.fail(what, what, None, why)
        except Unsuccessful:
            return
