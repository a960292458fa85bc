"""A process stops on a signal at a safe point, and never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.process_signals import stop_on_signal

ROOT = Path(__file__).parents[2]
CHILD = """
import sys, time
from mlcore.process_signals import die_with_parent
die_with_parent()
print("ready", flush=True)
time.sleep(60)
"""
# The grandchild prints on the pipe that the test reads. Its input is held open by its parent, or by the
# test: then the system alone can tell it that its parent is gone.
PARENT = """
import subprocess, sys, time
stdin = subprocess.PIPE if sys.argv[2] == "parent" else None
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=stdin)
print(child.pid, flush=True)
time.sleep(60)
"""


def is_running(process: int) -> bool:
    """Whether a process exists and is more than an entry that nobody has collected yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_becomes_a_question(number: signal.Signals) -> None:
    should_stop = stop_on_signal()
    assert not should_stop()
    os.kill(os.getpid(), number)
    assert eventually(should_stop)


def test_a_second_signal_ends_the_process_at_once() -> None:
    code = (
        "import os, signal, time; from mlcore.process_signals import stop_on_signal; stop_on_signal();"
        "[os.kill(os.getpid(), signal.SIGTERM) for _ in range(2)]; time.sleep(60)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize("holder", ["parent", "test"])
def test_a_child_vanishes_when_its_parent_is_killed(holder: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD, holder],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    lines = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
    child = int((lines - {"ready"}).pop())
    assert "ready" in lines and is_running(child)
    parent.kill()
    parent.wait()
    assert eventually(lambda: not is_running(child))
    parent.communicate()


def test_a_child_ends_when_its_input_does() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline() == "ready\n"
    assert child.poll() is None
    child.stdin.close()
    assert child.wait(timeout=20) == 1
    child.stdout.close()
