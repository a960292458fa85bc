import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from jobs import services
from jobs.context import JobContext
from jobs.heartbeat import beating
from jobs.models import Job
from tests.jobs.conftest import nothing, queued

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.services]


@pytest.fixture
def running(settings: Settings) -> tuple[Job, JobContext]:
    settings.JOB_HEARTBEAT_SECONDS = 0.02
    job = queued(nothing)
    context = services.claim(job.pk)
    assert context is not None
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    return job, context


def wait_for(true: object) -> None:
    deadline = time.monotonic() + 5
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def fresh(job: Job) -> bool:
    job.refresh_from_db()
    return job.heartbeat_at is not None and timezone.now() - job.heartbeat_at < timedelta(minutes=1)


def test_a_busy_handler_stays_alive_without_reporting(running: tuple[Job, JobContext]) -> None:
    job, context = running
    with beating(context):
        wait_for(lambda: fresh(job))


def test_a_busy_handler_learns_of_a_cancel_and_of_its_loss(running: tuple[Job, JobContext]) -> None:
    job, context = running
    with beating(context):
        services.request_cancel(job)
        wait_for(lambda: context.stop_reason() is not None)
        assert str(context.stop_reason()) == "cancelled"
        Job.objects.filter(pk=job.pk).update(attempt=2)
        wait_for(lambda: "not the running one" in str(context.stop_reason()))


def test_the_thread_ends_with_the_handler_and_closes_its_connection(
    running: tuple[Job, JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    wrapper = connections["default"].__class__
    close = wrapper.close

    def noting(self: Any) -> None:
        closed.append(threading.current_thread().name)
        close(self)

    monkeypatch.setattr(wrapper, "close", noting)
    with pytest.raises(KeyError), beating(running[1]):
        raise KeyError
    names = {thread.name for thread in threading.enumerate()}
    assert len(closed) == 1 and closed[0].startswith("heartbeat-") and closed[0] not in names


def test_a_whole_run_beats_while_its_handler_is_silent(settings: Settings) -> None:
    settings.JOB_HEARTBEAT_SECONDS = 0.02
    beats = []

    def silent(context: JobContext) -> None:
        first = Job.objects.get(pk=context.job_id).heartbeat_at
        wait_for(lambda: Job.objects.get(pk=context.job_id).heartbeat_at != first)
        beats.append(context.attempt)

    job = queued(silent)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded" and beats == [1]
