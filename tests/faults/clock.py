"""Clocks of hosts that jump by an hour. Each process has a clock of its own, which libfaketime reads from a file."""

import time
from pathlib import Path

from jobs.models import Job
from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import PATIENCE, Stack
from tests.jobs.live import wait_until

LIBFAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
EPOCHS = 150
PAUSE = 6  # seconds after each jump: beat sweeps several times
ROLES = ("web", "beat", "train", "work")


def clock_forwards(stack: Stack) -> None:
    """A worker ahead of beat looks young, and one behind looks dead: neither is."""
    _jump(stack, "+3600")


def clock_backwards(stack: Stack) -> None:
    """As forwards."""
    _jump(stack, "-3600")


def _jump(stack: Stack, seconds: str) -> None:
    folder = stack.live.folder / "clocks"
    folder.mkdir()
    for role in ROLES:
        _set(folder / role, "+0")
    stack.kill_web()
    stack.env_of_web |= _clock(folder / "web")
    stack.start_web()
    stack.start_worker("work,index", _clock(folder / "work"))
    stack.start_worker("train", _clock(folder / "train"))
    stack.start_beat(_clock(folder / "beat"))
    run = stack.train(EPOCHS)
    for role in ROLES:
        _set(folder / role, seconds)
        before = len(stack.people.searches)
        time.sleep(PAUSE)
        wait_until(lambda: len(stack.people.searches) > before or bool(stack.people.troubles), PATIENCE, stack.logs)  # noqa: B023
    job = submit_index(stack.world.models[0], by=None)
    stack.wait_for(job)
    stack.wait_for(run.job)
    attempts = {row.attempt for row in Job.objects.filter(pk__in=(job.pk, run.job_id))}
    assert attempts == {1}, f"{attempts}: a job was taken from a worker that was alive\n{stack.logs()}"
    stack.saw("no job was taken from its worker; sign-ins and tokens went on")


def _clock(file: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(LIBFAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def _set(file: Path, seconds: str) -> None:
    scratch = file.with_suffix(".new")
    scratch.write_text(f"{seconds}\n")
    scratch.replace(file)
