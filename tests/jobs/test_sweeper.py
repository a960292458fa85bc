from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from jobs import registry, services, sweeper
from jobs.context import JobContext
from jobs.models import Job
from jobs.registry import register, register_sweep
from tests.jobs.conftest import nothing, queued

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def claimed(job: Job) -> JobContext:
    context = services.claim(job.pk)
    assert context is not None
    return context


def test_a_job_whose_message_was_lost_is_sent_again(sent: list[int]) -> None:
    now = timezone.now()
    never, lost, on_its_way = (queued(nothing, sent_at=at) for at in (None, now - timedelta(minutes=2), now))
    sweeper.sweep(now)
    assert sent == [never.pk, lost.pk]
    sweeper.sweep(now + timedelta(seconds=1))
    assert sent == [never.pk, lost.pk]
    on_its_way.refresh_from_db()
    assert on_its_way.sent_at == now


def test_a_job_that_waits_its_turn_is_sent_ever_more_rarely(sent: list[int]) -> None:
    start = timezone.now()
    job = queued(nothing)
    for minute in range(60):
        Job.objects.filter(pk=job.pk).update(created_at=start)
        now = start + timedelta(minutes=minute)
        count = len(sent)
        sweeper.resend(now)
        if len(sent) > count:
            Job.objects.filter(pk=job.pk).update(sent_at=now)
    assert 5 <= len(sent) <= 12


def test_each_queue_is_refilled_from_its_longest_waiting_jobs(sent: list[int]) -> None:
    register("kind", nothing, least=Role.MEMBER)
    work = [Job.objects.create(kind="kind") for _ in range(sweeper.RESEND_AT_ONCE + 2)]
    train = Job.objects.create(kind="kind", queue="train")
    sweeper.resend(timezone.now())
    assert sent == [job.pk for job in work[: sweeper.RESEND_AT_ONCE]] + [train.pk]


def test_a_silent_worker_loses_its_job_and_a_beating_one_does_not(sent: list[int]) -> None:
    job = queued(nothing)
    context = claimed(job)
    sweeper.sweep(timezone.now() + timedelta(seconds=20))
    assert sent == []
    context.beat()
    sweeper.sweep(timezone.now() + timedelta(seconds=31))
    job.refresh_from_db()
    assert (job.state, job.attempt, job.tries) == ("queued", 1, 1)
    assert sent == [job.pk]


def test_a_job_is_given_up_after_its_last_try() -> None:
    job = queued(nothing, max_attempts=2)
    for _ in range(2):
        claimed(job).progress("epoch 3", 1, 2)
        sweeper.take_back(timezone.now() + timedelta(minutes=5))
    job.refresh_from_db()
    assert job.state == "failed" and job.attempt == 2
    assert job.error.startswith("the worker died or stopped answering 2 times, last in phase 'epoch 3'")


def test_a_job_that_was_to_be_cancelled_is_so_when_its_worker_is_silent() -> None:
    job = queued(nothing)
    claimed(job)
    services.request_cancel(job)
    sweeper.take_back(timezone.now() + timedelta(minutes=5))
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_in_a_database_without_workers_every_running_job_is_queued_and_loses_no_try() -> None:
    now = timezone.now()
    job, cancelled, waiting = queued(nothing), queued(nothing), queued(nothing, sent_at=now)
    claimed(job)
    claimed(cancelled)
    services.request_cancel(cancelled)
    sweeper.give_back_all(now)
    for row in (job, cancelled, waiting):
        row.refresh_from_db()
    assert (job.state, job.attempt, job.tries) == ("queued", 1, 0) and waiting.sent_at is None
    assert (cancelled.state, cancelled.finished_at) == ("cancelled", now)


def test_what_an_app_sweeps_is_swept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[datetime] = []
    monkeypatch.setitem(registry.SWEEPS, "tests", swept.append)
    now = timezone.now()
    sweeper.sweep(now)
    assert swept == [now]
    with pytest.raises(ValueError, match="'tests' is registered already"):
        register_sweep("tests", print)
