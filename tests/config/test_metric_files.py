"""Metrics of several web processes add up; those of processes that ended are told apart."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import metric_files
from tests.operations.scrapes import parsed, value

ROOT = Path(__file__).resolve().parents[2]
WEB_PROCESS = """
import os, sys
from pathlib import Path
from config import metric_files
metric_files.share(Path(sys.argv[1]))
from prometheus_client import CollectorRegistry, generate_latest
from config import metrics
class Observed:
    collect = staticmethod(metrics.observed)
for line in sys.stdin:
    if line == "scrape\\n":
        registry = CollectorRegistry()
        registry.register(Observed())
        print(generate_latest(registry).decode(), end="")
        print(f"# living {len(metric_files.living_processes())} {os.getpid() in metric_files.living_processes()}")
    else:
        metrics.REQUESTS.labels("search", "GET", "2xx").inc(int(line))
        metrics.REQUEST_SECONDS.labels("search").observe(0.02)
        metrics.ENGINE_BYTES.set(int(line))
    print("# done", flush=True)
"""


class WebProcess:
    """A process that shares its metrics as a web process does."""

    def __init__(self, var: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WEB_PROCESS, str(var)],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def tell(self, line: object) -> str:
        assert self.process.stdin and self.process.stdout
        print(line, file=self.process.stdin, flush=True)
        return "".join(iter(self.process.stdout.readline, "# done\n"))

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


Start = Callable[[], WebProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start processes of one site."""
    started: list[WebProcess] = []

    def new() -> WebProcess:
        started.append(WebProcess(tmp_path))
        return started[-1]

    yield new
    for process in started:
        process.kill()


def requests(text: str) -> float:
    return value(parsed(text), "kindred_http_requests_total", route="search", method="GET", status="2xx")


def memory(text: str) -> float:
    return value(parsed(text), "kindred_engine_memory_bytes")


def test_whichever_process_is_asked_tells_the_sum(start: Start) -> None:
    first, second = start(), start()
    first.tell(3)
    second.tell(4)
    for process in (first, second):
        text = process.tell("scrape")
        assert requests(text) == 7 and memory(text) == 7 and "# living 2 True" in text
        samples = parsed(text)
        assert value(samples, "kindred_http_request_duration_seconds_bucket", route="search", le="0.025") == 2
        assert value(samples, "kindred_http_request_duration_seconds_bucket", route="search", le="0.01") == 0


def test_a_process_that_ended_counts_on_but_holds_no_memory(start: Start) -> None:
    first, second = start(), start()
    first.tell(3)
    second.tell(4)
    second.kill()
    text = first.tell("scrape")
    assert requests(text) == 7 and memory(text) == 3 and "# living 1 True" in text
    third = start()
    assert requests(third.tell("scrape")) == 7


def test_a_new_start_counts_from_zero(start: Start, tmp_path: Path) -> None:
    first = start()
    first.tell(3)
    first.kill()
    assert requests(start().tell("scrape")) == 0


def test_nobody_else_reads_the_files(start: Start, tmp_path: Path) -> None:
    start().tell(1)
    assert (tmp_path / "metrics").stat().st_mode & 0o077 == 0


def test_a_disk_that_fills_up_later_ends_no_process(start: Start, tmp_path: Path) -> None:
    """A process that writes to a hole of a mapped file gets SIGBUS on a full disk."""
    process = start()
    process.tell(1)
    files = list((tmp_path / "metrics").glob(f"*_{process.process.pid}.db"))
    assert {file.name.rpartition("_")[0] for file in files} == set(metric_files.KINDS)
    for file in files:
        assert file.stat().st_blocks * 512 >= metric_files.BYTES, "it has no hole"
    assert value(parsed(process.tell("scrape").partition("# living")[0]), "kindred_engine_memory_bytes") == 1
