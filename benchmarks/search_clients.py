"""Clients that search over HTTP from a process of their own: threads that each keep one connection open.

It reads what to do as JSON from its input, and prints what came of it as JSON.
"""

import contextlib
import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from statistics import quantiles

from benchmarks.measuring import ROOT

BOUNDARY = "a-picture-to-search-with"
TIMEOUT = 120  # seconds that a client waits for an answer
MOST_WAIT = 30  # seconds that a refused client waits before it searches again, whatever it was told


@dataclass(frozen=True)
class Load:
    """What clients do: each sends `searches` in turn, or searches for `seconds`.

    tokens: each client uses its share of them in turn, each from an IP address of its own, so that no limit on the
    requests of one person ends the measurement. Without tokens the body is the picture alone, as the minimal server
    takes it. pictures: paths of JPEG files.
    """

    port: int
    clients: int
    pictures: Sequence[str]
    tokens: Sequence[str] = ()
    dataset: int = 0
    models: Sequence[int] = ()
    searches: int = 0
    seconds: float = 0


@dataclass
class Outcome:
    """What came of it: milliseconds of each search that succeeded, in no order, and how often each status was met.

    seconds: of the whole. refusals: for each 503 the seconds of its Retry-After, None where it has none. back_in_time:
    of the searches that were sent again after those seconds, how many were not refused again.
    """

    ms: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    refusals: list[int | None] = field(default_factory=list)
    back_in_time: int = 0
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.ms + other.ms,
            self.statuses + other.statuses,
            self.refusals + other.refusals,
            self.back_in_time + other.back_in_time,
            max(self.seconds, other.seconds),
            self.examples + other.examples,
        )

    def percentile(self, percent: int) -> float:
        """Return the milliseconds in which so many of a hundred searches were answered."""
        return quantiles(self.ms, n=100, method="inclusive")[percent - 1] if len(self.ms) > 1 else self.ms[0]

    @property
    def per_second(self) -> float:
        """How many searches succeeded in a second."""
        return len(self.ms) / self.seconds


def run(load: Load) -> Outcome:
    """Let clients search from a process of their own; return what came of it."""
    with started(load) as outcome:
        return outcome()


@contextlib.contextmanager
def started(load: Load) -> Iterator[Callable[[], Outcome]]:
    """Start clients; yield what waits for them and returns what came of it."""
    command = [sys.executable, "-m", "benchmarks.search_clients"]
    clients = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def outcome() -> Outcome:
        said, _ = clients.communicate()
        if clients.returncode != 0:
            raise SystemExit("the clients failed")
        found = json.loads(said)
        return Outcome(**{**found, "statuses": Counter(found["statuses"])})

    try:
        if clients.stdin is None:
            raise SystemExit("the clients cannot be told what to do")
        clients.stdin.write(json.dumps(asdict(load)))
        clients.stdin.close()
        clients.stdin = None
        yield outcome
    finally:
        if clients.poll() is None:
            clients.kill()
            clients.wait()


def body_of(load: Load, picture: bytes) -> bytes:
    """Return the body of a search: a form with the picture, or the picture alone."""
    if not load.tokens:
        return picture
    fields = [("datasets", load.dataset), *(("models", model) for model in load.models)]
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields]
    file = b'Content-Disposition: form-data; name="file"; filename="query.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    start = f"--{BOUNDARY}\r\n".encode()
    return b"".join(start + part + b"\r\n" for part in [*parts, file + picture]) + f"--{BOUNDARY}--\r\n".encode()


class Client:
    """One client with its connection."""

    def __init__(self, load: Load, number: int, bodies: Sequence[bytes]) -> None:
        self.load, self.number, self.outcome = load, number, Outcome()
        first = number % len(bodies)
        self.bodies = [*bodies[first:], *bodies[:first]]  # no two clients search with the same picture at once
        self.connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=TIMEOUT)

    def run(self) -> None:
        """Search until it is enough."""
        until = time.monotonic() + self.load.seconds
        refused = False
        for turn in count():
            if turn >= self.load.searches if self.load.searches else time.monotonic() >= until:
                self.connection.close()
                return
            refused = self.search(turn, refused)

    def search(self, turn: int, after_refusal: bool) -> bool:
        """Search once, and wait if it is refused; return whether it was."""
        started = time.perf_counter()
        try:
            self.connection.request("POST", self.path, self.bodies[turn % len(self.bodies)], self.headers(turn))
            answer = self.connection.getresponse()
            read = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.outcome.statuses[type(error).__name__] += 1
            self.connection.close()
            return False
        ms = 1000 * (time.perf_counter() - started)
        self.outcome.statuses[str(answer.status)] += 1
        if answer.status == 201:
            self.outcome.ms.append(ms)
            self.outcome.back_in_time += after_refusal
            return False
        if len(self.outcome.examples) < 3:
            self.outcome.examples.append(read[:500].decode(errors="replace"))
        if answer.status not in (429, 503):
            return False
        after = answer.headers.get("Retry-After", "")
        seconds = int(after) if after.isdecimal() else None
        if answer.status == 503:
            self.outcome.refusals.append(seconds)
        time.sleep(min(seconds or 1, MOST_WAIT))
        return answer.status == 503

    @property
    def path(self) -> str:
        """Where searches are sent."""
        return "/api/v1/searches/" if self.load.tokens else "/"

    def headers(self, turn: int) -> dict[str, str]:
        """Return the headers of a search; a client takes every so many-th token in turn."""
        if not self.load.tokens:
            return {"Content-Type": "image/jpeg"}
        own = self.load.tokens[self.number :: self.load.clients] or self.load.tokens
        person = self.number + turn % len(own) * self.load.clients
        return {
            "Authorization": f"Token {own[turn % len(own)]}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "X-Forwarded-For": f"10.0.{person // 250}.{person % 250 + 1}",
        }


def main() -> None:
    """Do what the input says."""
    load = Load(**json.load(sys.stdin))
    bodies = [body_of(load, Path(picture).read_bytes()) for picture in load.pictures]
    clients = [Client(load, number, bodies) for number in range(load.clients)]
    threads = [threading.Thread(target=client.run) for client in clients]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome = sum((client.outcome for client in clients), Outcome(seconds=time.perf_counter() - began))
    print(json.dumps(vars(outcome)))


if __name__ == "__main__":
    main()
