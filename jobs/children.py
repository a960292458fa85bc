"""Work in a child process: events come as JSON lines, a stop goes in as SIGTERM.

The child exits when its standard input ends (its parent died). Its last event may be
`{"event": "error", "message": ...}`, or `{"event": "stopped"}` after a SIGTERM.
"""

import contextvars
import errno
import json
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from jobs.bounds import Bounds, Watch
from jobs.errors import DISK_FULL, JobFailed, PassingFailure

logger = logging.getLogger(__name__)

Event = dict[str, Any]
POLL = 0.2  # seconds between two questions whether to stop
GRACE = 20.0  # seconds a child has to reach a safe point after SIGTERM
TAIL_LINES = 40
NO_SPACE = os.strerror(errno.ENOSPC)
HINTS = {-signal.SIGKILL: ": perhaps out of memory", -signal.SIGSEGV: ": a crash in native code"}


class ChildFailed(JobFailed):
    """The child ended badly; the message says why, as well as can be known."""


class ChildDied(ChildFailed, PassingFailure):
    """The child was killed or crashed, which says nothing about its input."""


class ChildStopped(Exception):
    """The child ended because it was told to stop."""


def run_child(
    argv: Sequence[str],
    *,
    on_event: Callable[[Event], None],
    should_stop: Callable[[], bool],
    cwd: Path,
    on_line: Callable[[str], None] = lambda line: None,
    env: Mapping[str, str] | None = None,
    grace: float = GRACE,
    bounds: Bounds | None = None,
) -> None:
    """Run `argv` to its end; `on_event` gets each event and `on_line` what else it writes, in this thread.

    Above its `bounds`, by default those of the settings, its whole group gets SIGKILL at once.

    When `should_stop` says so, or `on_event` raises, the child gets SIGTERM and, `grace` seconds
    later, its whole group gets SIGKILL: nothing of it is left when this returns or raises.

    Raises:
        ChildFailed: it ended with an error.
        ChildStopped: it ended because it was told to stop.
    """
    child = _Child(argv, cwd, env)
    watch = Watch(child.process.pid, bounds or Bounds(settings.JOB_MEMORY, settings.JOB_SECONDS))
    last: Event = {}
    try:
        while not child.has_ended():
            for event in child.new_events(timeout=POLL):
                last = event
                on_event(event)
            child.pass_lines(on_line)
            if should_stop():
                break
    finally:
        code = child.end(grace, watch)
    for event in child.new_events(timeout=0):
        last = event
        on_event(event)
    child.pass_lines(on_line)
    if code == 0:
        return
    if watch.reason:
        raise ChildDied(watch.reason)
    if child.was_asked or (_looks_stopped(code, last) and _soon(should_stop)):
        raise ChildStopped(f"stopped with {_ending(code)}")
    reason = _reason(code, last, child.tail)
    told = last.get("event") == "error" and reason == last.get("message")
    raise (ChildFailed if told else ChildDied)(reason)


class _Child:
    """A process in a group of its own, with a thread on each of its outputs."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str] | None) -> None:
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # a Ctrl-C or a stop of the worker's group reaches it through us only
        )
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.written: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.was_asked = False
        self.readers = [
            _reading(self.process.stdout, self.lines.put),
            _reading(self.process.stderr, self._keep),
        ]

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def new_events(self, timeout: float) -> Iterator[Event]:
        """Yield what has come in, waiting up to `timeout` seconds for the first."""
        while True:
            try:
                line = self.lines.get(timeout=timeout) if timeout else self.lines.get_nowait()
            except queue.Empty:
                return
            timeout = 0
            event = _parsed(line)
            if event is None:
                self._keep(line)  # a stray print
            else:
                yield event

    def _keep(self, line: str) -> None:
        self.tail.append(line)
        self.written.put(line)

    def pass_lines(self, on_line: Callable[[str], None]) -> None:
        """Pass on every line that was no event and has not been passed on yet."""
        while not self.written.empty():
            on_line(self.written.get_nowait())

    def end(self, grace: float, watch: Watch) -> int:
        """See to it that nothing of the child is left; return its exit code."""
        if not self.has_ended():
            self.was_asked = True
            self.process.terminate()
            try:
                self.process.wait(grace)
            except subprocess.TimeoutExpired:
                logger.warning("child %s does not heed SIGTERM and is killed", self.process.pid)
        watch.stop()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            logger.debug("child %s left nothing behind", self.process.pid)
        code = self.process.wait()
        for reader in self.readers:
            reader.join(timeout=2)  # a grandchild that left the group may hold the pipe open
        if self.process.stdin is not None:
            self.process.stdin.close()
        return code


def _reading(pipe: IO[str] | None, keep: Callable[[str], None]) -> threading.Thread:
    """Start a thread that hands each line to `keep` until the pipe ends, and closes it."""
    if pipe is None:
        raise ValueError("the child has no such pipe")

    def read() -> None:
        with pipe:
            for line in pipe:
                keep(line.rstrip("\n"))

    run = contextvars.copy_context().run  # so log records of what the child reports name the job
    thread = threading.Thread(target=run, args=(read,), name="child-output", daemon=True)
    thread.start()
    return thread


def _parsed(line: str) -> Event | None:
    """Return the event on the line, or None when it holds something else."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _looks_stopped(code: int, last: Event) -> bool:
    return last.get("event") == "stopped" or code in (-signal.SIGTERM, 128 + signal.SIGTERM)


def _soon(should_stop: Callable[[], bool]) -> bool:
    """Return whether `should_stop` becomes true within 2 s.

    Whoever stops a service may signal all its processes at once, the child before us.
    """
    deadline = time.monotonic() + 2
    while not should_stop():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {-code} ({signal.Signals(-code).name})"


def _reason(code: int, last: Event, tail: Sequence[str]) -> str:
    """Return the best sentence there is on why a child failed."""
    if any(NO_SPACE in line for line in [str(last.get("message")), *tail]):
        return DISK_FULL  # of whatever library the error was
    if last.get("event") == "error" and last.get("message"):
        return str(last["message"])
    if code < 0:
        return f"killed by {_ending(code)}{HINTS.get(code, '')}"
    last_line = next((line for line in reversed(tail) if line.strip()), "it wrote nothing")
    return f"the child process ended with {_ending(code)}: {last_line}"
