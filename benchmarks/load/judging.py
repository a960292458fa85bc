"""What came of each request, and what the site has promised to keep."""

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import httpx

KEPT_FAILURES, KEPT_BODY = 20, 2000
BUSY = 503


class Unsuccessful(Exception):
    """A request that ends what a client was doing; it has been counted."""


class Busy(Unsuccessful):
    """A 503 that says when to come again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"busy for {seconds} s")
        self.seconds = seconds


@dataclass
class Tally:
    """The requests of a kind. ms: of those with an expected status."""

    ms: list[float] = field(default_factory=list)
    failures: int = 0
    busy: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return len(self.ms) + self.failures + self.busy

    def percentile(self, percent: int) -> float | None:
        """Return the milliseconds in which so many of a hundred were answered."""
        if len(self.ms) < 2:
            return self.ms[0] if self.ms else None
        return quantiles(self.ms, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True)
class Promised:
    """Something that the site has accepted. at: when it said so, in seconds of the epoch."""

    who: str
    at: float
    value: Any


class Journal:
    """All of it. Clients write from one thread, what happens to the site from another.

    searches: id to the models that must have results, and the similarities by ranking. marks: (who, ranking, image) to
    the value. ballots: id to the ratings by column.
    """

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.failures: list[dict[str, Any]] = []
        self.searches: dict[str, Promised] = {}
        self.marks: dict[tuple[str, int, int], Promised] = {}
        self.ballots: dict[str, Promised] = {}
        self._lock = threading.Lock()

    def tally(self, kind: str) -> Tally:
        """Return the tally of a kind of request."""
        return self.tallies.setdefault(kind, Tally())

    def judge(self, kind: str, response: httpx.Response, expected: Collection[int], ms: float) -> None:
        """Count a response. Raises Busy for a true 503, Unsuccessful for any other that is not expected."""
        wait = response.headers.get("Retry-After", "")
        if response.status_code in expected:
            self.tally(kind).ms.append(ms)
        elif response.status_code == BUSY and wait.isdecimal() and int(wait) > 0:
            self.tally(kind).busy += 1
            raise Busy(int(wait))
        else:
            self.fail(
                kind, f"{response.request.method} {response.request.url.path}", response.status_code, response.text
            )

    def fail(self, kind: str, request: str, status: int | None, body: str) -> None:
        """Count a failure, and keep the first ones. Raises Unsuccessful always."""
        with self._lock:
            self.tally(kind).failures += 1
            if len(self.failures) < KEPT_FAILURES:
                kept = {"kind": kind, "request": request, "status": status, "body": body[:KEPT_BODY], "at": time.time()}
                self.failures.append(kept)
        raise Unsuccessful(f"{kind}: {request} answered {status}")

    def keep_search(self, key: str, who: str, value: Any) -> None:
        """Note a search that was answered. A key that comes twice is a failure."""
        if key in self.searches:
            self.fail("search", key, None, "two searches have the same key")
        self.searches[key] = Promised(who, time.time(), value)

    def keep_mark(self, who: str, ranking: int, image: int, value: int) -> None:
        """Note a mark; the last one on a result counts."""
        self.marks[who, ranking, image] = Promised(who, time.time(), value)

    def keep_ballot(self, key: str, who: str, ratings: dict[int, int]) -> None:
        """Note a ballot whose ratings are final."""
        self.ballots[key] = Promised(who, time.time(), ratings)
