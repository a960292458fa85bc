"""Clocks of hosts that jump by an hour. Each process has a clock of its own (`wrong_clock.c`)."""

import struct
import subprocess
import time
from pathlib import Path

from jobs.models import Job
from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import PATIENCE, Stack
from tests.jobs.live import wait_until

SOURCE = Path(__file__).with_name("wrong_clock.c")
HOUR = 3600
EPOCHS = 60
PAUSE = 6  # seconds after each jump: beat sweeps several times
ROLES = ("web", "beat", "train", "work")


def clock_forwards(stack: Stack) -> None:
    """A worker ahead of beat is not younger, and one behind is not dead."""
    _jump(stack, HOUR)


def clock_backwards(stack: Stack) -> None:
    """As forwards."""
    _jump(stack, -HOUR)


def _jump(stack: Stack, seconds: int) -> None:
    folder = stack.live.folder / "clocks"
    folder.mkdir()
    library = folder / "wrong_clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True)
    clocks = {role: _clock(folder / role, library) for role in ROLES}
    stack.kill_web()
    stack.env_of_web |= clocks["web"]
    stack.start_web()
    worker = stack.start_worker("work,index", clocks["work"])
    stack.start_worker("train", clocks["train"])
    stack.start_beat(clocks["beat"])
    run = stack.train(EPOCHS)
    for role in ROLES:
        _set(folder / role, seconds)
        time.sleep(PAUSE)
        stack.wait_for_searches(1)
    job = submit_index(stack.world.models[0], by=None)
    stack.wait_for(job)
    _taken_back(stack, worker)
    stack.wait_for(run.job)
    attempts = {row.attempt for row in Job.objects.filter(pk__in=(job.pk, run.job_id))}
    assert attempts == {1}, f"{attempts}: a job was taken from a worker that was alive\n{stack.logs()}"
    stack.saw("no job was taken from a worker that lived, the job of one that was killed was; tokens were valid")


def _taken_back(stack: Stack, worker: "subprocess.Popen[bytes]") -> None:
    """Beat goes on sweeping: a job whose worker is killed is done by another."""
    job = submit_index(stack.world.models[1], by=None)
    stack.wait_for(job, "running")
    stack.live.kill9(worker)
    stack.start_worker("work,index")
    wait_until(lambda: not Job.objects.get(pk=job.pk).is_active, PATIENCE / 2, stack.logs)
    assert stack.wait_for(job).attempt == 2


def _clock(file: Path, library: Path) -> dict[str, str]:
    _set(file, 0)
    return {"LD_PRELOAD": str(library), "FAULTS_CLOCK": str(file)}


def _set(file: Path, seconds: int) -> None:
    """Write in place: processes have the file mapped."""
    with file.open("r+b" if file.exists() else "wb") as opened:
        opened.write(struct.pack("l", seconds))
