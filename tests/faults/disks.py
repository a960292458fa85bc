"""A disk that is full at each kind of write. What was not stored is refused, and left nothing; space mends it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from jobs import services as jobs
from jobs.models import Job
from retrieval.datasets.services.importing import submit_import
from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import PATIENCE, Stack
from tests.jobs.live import wait_until

EPOCHS = 30
FULL = 507
SAYS_FULL = "the disk is full"
SOURCE = "wings:species=3,per_class=4,size=32,seed=7"


def full_search(stack: Stack) -> None:
    """Pictures of people get 507; searches with pictures of the site go on."""
    people = stack.people
    with _full(stack):
        wait_until(lambda: people.statuses[str(FULL)] >= 2 or bool(people.troubles), PATIENCE, people.said)
        stack.wait_for_searches(2)
    before = people.statuses[str(FULL)]
    stack.wait_for_searches()
    assert people.statuses[str(FULL)] <= before + 1, "with space, pictures are stored again"
    stack.saw("pictures of people got 507, searches with pictures of the site went on")


def full_import(stack: Stack) -> None:
    """The import fails with a sentence, and leaves no picture."""
    stack.start_worker("work,index")
    stack.start_beat()
    with _full(stack):
        dataset = submit_import(name="Moths", by=None, source=SOURCE)
        job = _failed(stack, dataset.job)
    assert not list((Path(settings.MEDIA_ROOT) / "datasets").glob(f"{dataset.pk}-*"))
    _retried(stack, job)
    assert dataset.images.count() == 12


def full_training(stack: Stack) -> None:
    """The training fails with a sentence, and goes on from a checkpoint that was stored whole."""
    stack.start_worker("work,index")
    stack.start_worker("train")
    stack.start_beat()
    run = stack.train(EPOCHS)
    with _full(stack):
        job = _failed(stack, run.job)
    run.refresh_from_db()
    known = run.history
    _retried(stack, job)
    run.refresh_from_db()
    assert len(run.history) == EPOCHS
    if run.history[: len(known) - 1] == known[:-1]:
        stack.saw("the retry went on from the last checkpoint that was stored")


def full_index(stack: Stack) -> None:
    """The index before answers, and half of a new one is not left."""
    model = stack.world.models[0]
    old = stack.world.index_of(model)
    stack.start_worker("work,index")
    stack.start_beat()
    with _full(stack):
        job = _failed(stack, submit_index(model, by=None))
        assert stack.world.index_of(model) == old
        stack.wait_for_searches(1)
    _retried(stack, job)
    assert model.indexes.count() == 2


def full_backup(stack: Stack) -> None:
    """A backup that was cut short is refused, and continued with space."""
    folder = Path(settings.VAR_DIR).parent / "backup"
    with _full(stack, leaving=100_000):
        cut = _command(stack, "backup", folder)
        assert cut.returncode == 1 and "No space left on device" in cut.stderr, cut.stderr
        assert _command(stack, "verify", folder).returncode == 1
    whole = _command(stack, "backup", folder)
    assert whole.returncode == 0, whole.stderr
    assert _command(stack, "verify", folder).returncode == 0
    stack.saw("the command said that no space is left; `verify` refused the half; run again it was whole")


def _command(stack: Stack, *words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", *map(str, words)]
    return subprocess.run(command, env=stack.live.env, capture_output=True, text=True, timeout=PATIENCE)


@contextmanager
def _full(stack: Stack, leaving: int = 0) -> Iterator[None]:
    """Fill the disk of the site but for some bytes while the block runs; pictures of people may be refused."""
    stack.people.allowed.add(FULL)
    disk = Path(settings.VAR_DIR).parent
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        space = os.statvfs(disk)
        os.posix_fallocate(file.fileno(), 0, max(4096, space.f_bavail * space.f_frsize - leaving))
    yield
    ballast.unlink()


def _failed(stack: Stack, job: Job | None) -> Job:
    """Wait until a job has failed because the disk is full."""
    assert job is not None
    wait_until(lambda: not Job.objects.get(pk=job.pk).is_active, PATIENCE, stack.logs)
    job.refresh_from_db()
    assert job.state == "failed" and SAYS_FULL in job.error, f"{job}: {job.error}\n{stack.logs()}"
    return job


def _retried(stack: Stack, job: Job) -> None:
    jobs.retry(job)
    stack.wait_for(job)
    stack.saw(f'the job failed with "{SAYS_FULL}: free some space, then retry"; the retry succeeded')
