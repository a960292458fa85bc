from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from jobs import context as context_module
from jobs import scratch, services, sweeper
from jobs.context import JobContext, interrupt_running_jobs
from jobs.errors import JobCancelled, JobInterrupted
from jobs.models import Job
from tests.jobs.conftest import nothing, queued

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def running() -> tuple[Job, JobContext]:
    job = queued(nothing)
    context = services.claim(job.pk)
    assert context is not None
    return job, context


def test_progress_is_written_about_twice_a_second(
    running: tuple[Job, JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, context = running
    clock = [100.0]
    monkeypatch.setattr(context_module.time, "monotonic", lambda: clock[0])
    seen = []
    for step in range(20):  # 2 s of work, ten calls a second
        context.progress("epoch 1", step, 1000)
        clock[0] += 0.1
        seen.append(Job.objects.get(pk=job.pk).done)
    assert len(set(seen)) in (4, 5)


def test_a_new_phase_and_the_end_of_one_are_written_at_once(running: tuple[Job, JobContext]) -> None:
    job, context = running
    for phase, done, total in [("read", 1, 9), ("embed", 0, 9), ("embed", 9, 9)]:
        context.progress(phase, done, total)
        job.refresh_from_db()
        assert (job.phase, job.done, job.total) == (phase, done, total)


def test_the_last_progress_is_kept_at_the_end(running: tuple[Job, JobContext]) -> None:
    job, context = running
    context.progress("read", 1, 9)
    context.progress("read", 2, 9)
    context.say("two of nine")
    context.finish(None)
    job.refresh_from_db()
    assert (job.done, job.message) == (2, "two of nine")


def test_progress_of_unknown_or_odd_size_is_no_error(running: tuple[Job, JobContext]) -> None:
    job, context = running
    context.progress("p" * 300, -1, 0)
    context.say("m" * 900)
    context.finish({})
    job.refresh_from_db()
    assert (len(job.phase), job.done, len(job.message), job.percent) == (100, 0, 500, None)


def test_a_cancel_is_seen_by_a_loop_that_reports_nothing(
    running: tuple[Job, JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, context = running
    assert not context.should_stop()
    services.request_cancel(job)
    assert not context.should_stop()  # asked a moment ago: the database is left alone
    monkeypatch.setattr(context_module, "LOOK_EVERY", 0.0)
    assert context.should_stop()
    with pytest.raises(JobCancelled):
        context.check()


def test_a_shutdown_of_the_worker_is_seen_at_once(running: tuple[Job, JobContext]) -> None:
    _, context = running
    interrupt_running_jobs()
    assert context.should_stop()
    with pytest.raises(JobInterrupted):
        context.progress("on", 1, 9)


def test_a_beat_keeps_the_job_from_the_sweep(running: tuple[Job, JobContext]) -> None:
    job, context = running
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    context.beat()
    sweeper.take_back(timezone.now())
    job.refresh_from_db()
    assert job.state == "running"


def test_a_database_away_for_a_moment_does_not_end_the_work(
    running: tuple[Job, JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, context = running

    def away(self: object, **fields: object) -> int:
        raise DatabaseError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "update", away)
        context.progress("on", 1, 1)
    assert not context.should_stop()
    context.progress("on", 2, 2)
    job.refresh_from_db()
    assert job.done == 2


def test_each_attempt_has_a_scratch_folder_of_its_own(running: tuple[Job, JobContext]) -> None:
    job, context = running
    (context.scratch / "half").write_text("first")
    sweeper.take_back(timezone.now() + timedelta(minutes=5))
    second = services.claim(job.pk)
    assert second is not None
    assert not list(second.scratch.iterdir())
    assert scratch.left_over(job.pk) == [second.scratch]


def test_work_that_resumes_adopts_what_the_last_attempt_left(running: tuple[Job, JobContext]) -> None:
    job, context = running
    left = context.scratch
    (left / "checkpoint").write_text("epoch 3")
    sweeper.take_back(timezone.now() + timedelta(minutes=5))
    second = services.claim(job.pk)
    assert second is not None
    assert (second.adopt_scratch() / "checkpoint").read_text() == "epoch 3"
    assert second.scratch == second.adopt_scratch()
    assert not left.exists()
