import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jobs import bounds
from jobs.bounds import Bounds, memory_of_group
from jobs.children import ChildFailed, run_child
from tests.jobs.live import process_is_alive

MEGABYTE = 2**20
ALLOCATES = "import json, os, time\nprint(json.dumps({'event': 'at', 'pid': os.getpid()}), flush=True)\n"
GROWS = ALLOCATES + "kept = [bytes([1]) * 2**20 for _ in range(400)]\ntime.sleep(60)"
HAS_A_CHILD_THAT_GROWS = (
    ALLOCATES + "import subprocess, sys\n"
    "subprocess.run([sys.executable, '-c', 'kept = bytes([1]) * 2**20 * 400; import time; time.sleep(60)'])"
)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LOOK_EVERY", 0.05)


def run(code: str, folder: Path, **options: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    run_child([sys.executable, "-c", code], on_event=events.append, should_stop=lambda: False, cwd=folder, **options)
    return events


@pytest.mark.parametrize("code", [GROWS, HAS_A_CHILD_THAT_GROWS])
def test_a_child_above_its_memory_is_killed_with_what_it_started(tmp_path: Path, code: str) -> None:
    started = time.monotonic()
    with pytest.raises(ChildFailed, match=r"needed more than 200 MB of memory \(KINDRED_JOB_MEMORY_MB\)"):
        run(code, tmp_path, bounds=Bounds(memory=200 * MEGABYTE))
    assert time.monotonic() - started < 50


def test_the_bound_is_that_of_the_settings(tmp_path: Path, settings: Any) -> None:
    settings.JOB_MEMORY = 50 * MEGABYTE
    with pytest.raises(ChildFailed, match="more than 50 MB"):
        run(GROWS, tmp_path)


def test_a_child_that_takes_too_long_is_killed_where_there_is_a_bound(tmp_path: Path) -> None:
    seen: list[int] = []
    code = ALLOCATES + "time.sleep(60)"
    with pytest.raises(ChildFailed, match=r"longer than 0.5 seconds \(KINDRED_JOB_SECONDS\)"):
        run_child(
            [sys.executable, "-c", code],
            on_event=lambda event: seen.append(event["pid"]),
            should_stop=lambda: False,
            cwd=tmp_path,
            bounds=Bounds(seconds=0.5),
        )
    assert not any(process_is_alive(pid) for pid in seen)


def test_a_child_within_its_bounds_is_left_alone(tmp_path: Path) -> None:
    code = ALLOCATES + "time.sleep(0.5)"
    assert run(code, tmp_path, bounds=Bounds(memory=1000 * MEGABYTE, seconds=60))[0]["event"] == "at"


def test_reserved_addresses_are_no_memory(tmp_path: Path) -> None:
    code = "import mmap, time\nreserved = mmap.mmap(-1, 2**33)\ntime.sleep(0.5)"
    run(code, tmp_path, bounds=Bounds(memory=200 * MEGABYTE))


def test_a_group_that_is_gone_has_no_memory() -> None:
    assert memory_of_group(2**22 + 1) == 0
