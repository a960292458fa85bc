import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from jobs.children import ChildDied, ChildFailed, ChildStopped, run_child
from jobs.errors import JobCancelled
from tests.jobs.live import ROOT, process_is_alive, wait_until

IMPORTS = (
    "import json, os, signal, subprocess, sys, threading, time\nsay = lambda **e: print(json.dumps(e), flush=True)\n"
)


def run(code: str, folder: Path, **options: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    given: dict[str, Any] = {"on_event": events.append, "should_stop": lambda: False, "grace": 0.5, **options}
    run_child([sys.executable, "-c", IMPORTS + code], cwd=folder, **given)
    return events


def test_events_arrive_in_order_and_other_output_is_left_out(tmp_path: Path) -> None:
    events = run("say(event='a', n=1)\nprint('stray')\nprint('[1]')\nsay(event='b')", tmp_path)
    assert events == [{"event": "a", "n": 1}, {"event": "b"}]


def test_a_child_works_in_the_folder_it_is_given(tmp_path: Path) -> None:
    assert run("say(event='at', where=os.getcwd())", tmp_path) == [{"event": "at", "where": str(tmp_path)}]


def test_events_are_handled_in_the_thread_that_runs_the_child(tmp_path: Path) -> None:
    threads = []
    run("say(event='a')", tmp_path, on_event=lambda event: threads.append(threading.current_thread()))
    assert threads == [threading.current_thread()]


def test_a_failure_says_the_childs_own_sentence(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="^the loss is not finite at step 3$"):
        run("say(event='error', message='the loss is not finite at step 3'); sys.exit(1)", tmp_path)


def test_a_failure_without_a_sentence_says_the_last_line_of_stderr(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="ended with exit code 1: ZeroDivisionError: division by zero"):
        run("1 / 0", tmp_path)


@pytest.mark.parametrize(
    "ending",
    [
        "raise OSError(28, 'No space left on device')",
        "raise ValueError('Error while serializing: I/O error: No space left on device (os error 28)')",
        "say(event='error', message='x: No space left on device'); sys.exit(1)",
    ],
)
def test_a_full_disk_is_told_as_one_whatever_met_it_and_a_retry_may_help(tmp_path: Path, ending: str) -> None:
    with pytest.raises(ChildDied, match="^the disk is full: free some space, then retry$"):
        run(ending, tmp_path)


def test_a_silent_failure_says_its_exit_code(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="exit code 7: it wrote nothing"):
        run("os._exit(7)", tmp_path)


def test_a_killed_child_says_its_signal_and_a_likely_cause(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=r"killed by signal 9 \(SIGKILL\): perhaps out of memory"):
        run("os.kill(os.getpid(), signal.SIGKILL)", tmp_path)


def test_a_child_asked_to_stop_may_reach_a_safe_point(tmp_path: Path) -> None:
    code = (
        "signal.signal(signal.SIGTERM, lambda *a: (open('safe', 'w').close(), say(event='stopped'), sys.exit(4)))\n"
        "say(event='ready')\ntime.sleep(60)"
    )
    events: list[dict[str, Any]] = []
    with pytest.raises(ChildStopped):
        run(code, tmp_path, on_event=events.append, should_stop=lambda: bool(events), grace=20)
    assert (tmp_path / "safe").exists()
    assert [event["event"] for event in events] == ["ready", "stopped"]


def test_a_child_that_does_not_heed_is_killed_with_what_it_started(tmp_path: Path) -> None:
    code = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "say(event='ready', pids=[os.getpid(), other.pid])\ntime.sleep(60)"
    )
    events: list[dict[str, Any]] = []
    with pytest.raises(ChildStopped):
        run(code, tmp_path, on_event=events.append, should_stop=lambda: bool(events))
    for pid in events[0]["pids"]:
        wait_until(lambda pid=pid: not process_is_alive(pid), 5, lambda: "the end of the whole group")


def test_a_child_that_ends_well_although_asked_to_stop_has_done_its_work(tmp_path: Path) -> None:
    code = "signal.signal(signal.SIGTERM, lambda *a: sys.exit(0))\nsay(event='ready')\ntime.sleep(60)"
    events: list[dict[str, Any]] = []
    run(code, tmp_path, on_event=events.append, should_stop=lambda: bool(events), grace=20)
    assert events == [{"event": "ready"}]


def test_a_child_stopped_just_before_its_parent_hears_of_it_is_no_failure(tmp_path: Path) -> None:
    heard = time.monotonic() + 0.6
    with pytest.raises(ChildStopped):
        run("os.kill(os.getpid(), signal.SIGTERM)", tmp_path, should_stop=lambda: time.monotonic() > heard)


def test_an_error_while_handling_an_event_ends_the_child(tmp_path: Path) -> None:
    pids = []

    def cancel(event: dict[str, Any]) -> None:
        pids.append(event["pid"])
        raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        run("say(event='ready', pid=os.getpid())\ntime.sleep(60)", tmp_path, on_event=cancel)
    assert not process_is_alive(pids[0])


PARENT = """
import sys
from pathlib import Path
from jobs.children import run_child
code = "import os, sys; open('pid', 'w').write(str(os.getpid())); sys.stdin.read()"
run_child([sys.executable, "-c", code], on_event=print, should_stop=lambda: False, cwd=Path.cwd())
"""


def test_a_child_hears_of_its_parents_end_on_its_input(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, env=env)
    pid_file = tmp_path / "pid"
    wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()), 10, lambda: "the child's pid")
    parent.kill()
    parent.wait()
    wait_until(lambda: not process_is_alive(int(pid_file.read_text())), 10, lambda: "the child's end")


def test_what_is_no_event_is_told_line_by_line(tmp_path: Path) -> None:
    lines: list[str] = []
    run("print('stray')\nsay(event='a')\nprint('a warning', file=sys.stderr)", tmp_path, on_line=lines.append)
    assert sorted(lines) == ["a warning", "stray"]
