"""`manage.py worker`: what it takes, and one job without a broker."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.roles import Role
from config import schema
from config.celery import app
from config.processes import started
from jobs import services
from jobs.context import JobContext, interrupt_running_jobs
from jobs.errors import JobFailed
from jobs.models import Job
from jobs.registry import register
from operations.services import processes
from tests.jobs.conftest import nothing, queued

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """Give the process back the handlers that a worker replaces, and let no thread note that one is there."""
    started.disconnect(dispatch_uid="presence")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    started.connect(processes.begin, dispatch_uid="presence")


def test_the_job_that_waits_longest_in_its_queues_is_done() -> None:
    register("kind", nothing, least=Role.MEMBER)
    train, first, second = (Job.objects.create(kind="kind", queue=queue) for queue in ("train", "index", "work"))
    done = services.run_next(["work", "index"])
    assert done == first and done.state == "succeeded"
    assert services.run_next(["work", "index"]) == second
    assert services.run_next(["work", "index"]) is None
    assert services.run_next(["train"]) == train


def test_a_job_that_was_put_off_is_left_to_the_sweep(settings: Settings) -> None:
    now = timezone.now()
    job = queued(nothing, attempt=1, tries=1, not_before=now + timedelta(seconds=settings.JOB_RESEND_SECONDS))
    assert services.run_next(["work"]) is None
    Job.objects.update(not_before=now - timedelta(seconds=1))
    assert services.run_next(["work"]) == job


def test_a_job_that_another_worker_took_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = queued(nothing)
    free = Job.objects.create(kind="kind")
    claim = services.claim

    def late(job_id: int) -> JobContext | None:
        if job_id == taken.pk:
            claim(job_id)  # by somebody else, a moment before
        return claim(job_id)

    monkeypatch.setattr(services, "claim", late)
    assert services.run_next(["work"]) == free


def test_a_worker_that_is_stopped_takes_none() -> None:
    job = queued(nothing)
    interrupt_running_jobs()
    assert services.run_next(["work"]) is None
    job.refresh_from_db()
    assert job.state == "queued"


def test_a_job_shows_where_it_ran() -> None:
    job = queued(nothing)
    assert job.ran_on is None
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.ran_on.keys() == {"host", "device", "versions"} and "torch" in job.ran_on["versions"]
    assert list(Job.objects.filter(services.containing(job.ran_on["host"], hosts=True))) == [job]
    assert not Job.objects.filter(services.containing(job.ran_on["host"]))


def test_one_job_is_done_and_its_failure_is_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    def failing(context: JobContext) -> None:
        raise JobFailed("no such picture")

    job = queued(failing)
    with pytest.raises(SystemExit) as ended:
        call_command("worker", "--once")
    assert ended.value.code == 1
    call_command("worker", "--once", "--queues", "work")
    assert capsys.readouterr().out == f"job {job.pk} (kind): failed: no such picture\nno job waits in work\n"


def test_a_worker_waits_for_a_job_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    register("kind", nothing, least=Role.MEMBER)
    monkeypatch.setattr("jobs.management.commands.worker.time.sleep", lambda seconds: Job.objects.create(kind="kind"))
    call_command("worker", "--once", "--wait", "5")
    assert Job.objects.get().state == "succeeded"


def test_a_worker_that_stays_serves_its_queues(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    given: list[list[str]] = []
    told: list[Any] = []

    def hear(sender: str, queues: list[str], **kwargs: Any) -> None:
        told.append((sender, queues))

    started.connect(hear)
    try:
        monkeypatch.setattr(app, "worker_main", given.append)
        call_command("worker", "--queues", "train, work,train")
    finally:
        started.disconnect(hear)
    prefix = settings.CELERY_QUEUE_PREFIX
    assert given[0][:3] == ["worker", "--queues", f"{prefix}train,{prefix}work"]
    assert told == [("worker", ["train", "work"])]


def test_no_job_is_taken_before_the_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    job = queued(nothing)
    monkeypatch.setattr(schema, "_is_current", False)
    monkeypatch.setattr(schema, "missing_migrations", lambda: ["jobs.0009_new"])
    with pytest.raises(CommandError, match="lacks the migrations jobs.0009_new"):
        call_command("worker", "--once")
    job.refresh_from_db()
    assert job.state == "queued"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--queues", "gpu"), "--queues takes work, index, train, comma-separated, not 'gpu'"),
        (("--queues", ","), "--queues takes work, index, train"),
        (("--wait", "5"), "--wait belongs to --once"),
    ],
)
def test_what_a_worker_cannot_do_is_told(options: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("worker", *options)
