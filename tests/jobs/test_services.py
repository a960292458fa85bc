import errno
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db import OperationalError as DatabaseAway
from django.db.models import QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts import services as accounts
from accounts.models import AuditEntry, User
from accounts.personal_data import export_all
from accounts.roles import Role
from config import schema
from config.celery import app
from jobs import services, sweeper
from jobs.children import ChildFailed, ChildStopped
from jobs.context import JobContext, interrupt_running_jobs
from jobs.errors import JobLost, JobRefused, UnknownJobKindError
from jobs.models import Job
from jobs.registry import register
from mlcore.errors import DatasetError, Stopped
from tests.conftest import person
from tests.jobs.conftest import nothing, queued

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def claimed(job: Job) -> JobContext:
    context = services.claim(job.pk)
    assert context is not None
    return context


def fields_of(job: Job) -> dict[str, Any]:
    return Job.objects.filter(pk=job.pk).values().get()


# --- submit


def test_submit_sends_after_commit(
    sent: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    register("kind", nothing, least=Role.MEMBER, queue="train", max_attempts=2)
    with django_capture_on_commit_callbacks(execute=True):
        job = services.submit("kind", {"a": 1})
        assert sent == []
    assert sent == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.queue, job.max_attempts, job.payload) == ("queued", "train", 2, {"a": 1})
    assert job.sent_at is not None


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    register("import", nothing, least=Role.MEMBER)
    with pytest.raises(UnknownJobKindError, match="no job kind named 'imprt'; known: import"):
        services.submit("imprt", {})
    assert not Job.objects.exists()


def test_a_key_returns_the_active_job_instead_of_a_second(
    sent: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    register("kind", nothing, least=Role.MEMBER)
    with django_capture_on_commit_callbacks(execute=True):
        first = services.submit("kind", {}, key="index-7")
        second = services.submit("kind", {}, key="index-7")
        other = services.submit("kind", {}, key="index-8")
    assert first == second != other
    assert sent == [first.pk, other.pk]


def test_a_key_is_free_again_once_its_job_has_finished() -> None:
    register("kind", nothing, least=Role.MEMBER)
    first = services.submit("kind", {}, key="index-7")
    services.run_job(first.pk)
    assert services.submit("kind", {}, key="index-7") != first


def test_a_key_taken_between_look_and_write_returns_that_job(monkeypatch: pytest.MonkeyPatch) -> None:
    register("kind", nothing, least=Role.MEMBER)
    rival = services.submit("kind", {}, key="index-7")
    first = QuerySet.first
    answers = iter([None])  # at our first look the rival was not there yet
    monkeypatch.setattr(QuerySet, "first", lambda self: next(answers, first(self)))
    assert services.submit("kind", {}, key="index-7") == rival
    assert Job.objects.count() == 1


@pytest.mark.parametrize("error", [OperationalError("no route"), ConnectionRefusedError("refused")])
def test_a_broker_that_is_away_leaves_the_job_to_the_sweep(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(name: str, args: list[int], **options: Any) -> None:
        calls.extend(args)
        raise error

    job, other = queued(nothing), queued(nothing)
    calls: list[int] = []
    monkeypatch.setattr(app, "send_task", refuse)
    assert not services.send(job)
    job.refresh_from_db()
    assert job.state == "queued" and job.sent_at is None
    sweeper.resend(timezone.now())
    assert calls == [job.pk, job.pk], f"a sweep tries once, not for {other} too"


# --- claim, run


def test_of_two_claims_one_wins() -> None:
    job = queued(nothing)
    assert services.claim(job.pk) is not None
    assert services.claim(job.pk) is None
    job.refresh_from_db()
    assert (job.state, job.attempt, job.tries) == ("running", 1, 1)


def test_a_message_delivered_twice_does_the_work_once() -> None:
    calls: list[int] = []
    job = queued(lambda context: calls.append(context.attempt))
    services.run_job(job.pk)
    before = fields_of(job)
    services.run_job(job.pk)
    assert calls == [1] and fields_of(job) == before


def test_a_message_for_no_job_does_no_harm() -> None:
    services.run_job(404)


def test_a_handler_gets_its_payload_and_its_result_is_kept() -> None:
    job = queued(lambda context, a, b: {"sum": a + b}, payload={"a": 1, "b": 2})
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, job.error) == ("succeeded", {"sum": 3}, "")
    assert job.started_at and job.finished_at


def test_a_success_removes_the_scratch_folders() -> None:
    folders = []
    job = queued(lambda context: folders.append(context.scratch))
    services.run_job(job.pk)
    assert len(folders) == 1 and not folders[0].exists()


def raising(error: Exception) -> Any:
    def handler(context: JobContext) -> None:
        raise error

    return handler


def test_a_job_waits_for_a_database_that_was_away_and_fails_only_after_its_tries() -> None:
    job = queued(raising(DatabaseAway("server closed the connection unexpectedly")))
    for _ in range(job.max_attempts):
        assert job.state == "queued" and job.error == ""
        services.run_job(job.pk)
        job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "the database does not answer")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DatasetError("no picture in 'birds'; add some"), "no picture in 'birds'; add some"),
        (ChildFailed("the loss is not finite"), "the loss is not finite"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full: free some space, then retry"),
        (KeyError("x"), "unexpected error (KeyError): 'x'"),
        (Stopped("stopped"), "the work stopped although nobody cancelled it: stopped"),
    ],
)
def test_a_failure_says_what_went_wrong(error: Exception, sentence: str) -> None:
    job = queued(raising(error))
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", sentence)


@pytest.mark.parametrize(("error", "tracebacks"), [(DatasetError("empty"), 0), (KeyError("x"), 1)])
def test_only_an_unexpected_failure_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture, error: Exception, tracebacks: int
) -> None:
    services.run_job(queued(raising(error)).pk)
    assert sum(record.exc_info is not None for record in caplog.records) == tracebacks


def test_a_result_that_is_no_json_fails_the_job() -> None:
    job = queued(lambda context: {"when": timezone.now()})
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed" and "datetime" in job.error


def test_a_kind_that_this_worker_does_not_know_fails_the_job() -> None:
    job = Job.objects.create(kind="from-a-newer-release")
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed" and "no job kind named 'from-a-newer-release'" in job.error


def test_a_database_error_while_settling_leaves_the_row_to_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: JobContext, result: object) -> bool:
        raise DatabaseError("gone")

    job = queued(nothing)
    monkeypatch.setattr(JobContext, "finish", broken)
    with pytest.raises(DatabaseError):
        services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "running"


# --- a lost attempt


def take_over(job: Job) -> JobContext:
    """Let the sweep take the job from its worker, and another worker claim it."""
    sweeper.take_back(timezone.now() + timedelta(minutes=5))
    return claimed(job)


def test_a_lost_attempt_can_write_no_progress_and_no_end() -> None:
    job = queued(nothing)
    first = claimed(job)
    second = take_over(job)
    before = fields_of(job)
    with pytest.raises(JobLost):
        first.progress("late", 1, 2)
    assert not first.finish({"from": "the first"})
    assert not first.fail("late")
    assert not first.cancel()
    assert not first.give_back()
    assert fields_of(job) == before
    assert second.finish({"from": "the second"})
    job.refresh_from_db()
    assert job.result == {"from": "the second"} and job.attempt == 2


def test_a_handler_that_lost_its_job_changes_nothing() -> None:
    def slow(context: JobContext) -> dict[str, str]:
        if context.attempt == 1:
            take_over(job)
            context.progress("late", 1, 1)
        return {}

    job = queued(slow)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.phase) == ("running", 2, "")


# --- cancel


def test_a_queued_job_is_cancelled_at_once() -> None:
    job = queued(nothing)
    services.request_cancel(job)
    assert job.state == "cancelled" and job.finished_at
    assert services.claim(job.pk) is None


def test_a_running_job_is_asked_to_stop_and_stops() -> None:
    def cancelled_meanwhile(context: JobContext) -> None:
        services.request_cancel(Job.objects.get(pk=context.job_id))
        context.progress("on", 1, 3)
        pytest.fail("progress must have raised")

    job = queued(cancelled_meanwhile)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.phase, job.done, job.error) == ("cancelled", "on", 1, "")


@pytest.mark.parametrize("stop", [Stopped("asked"), ChildStopped("asked")])
def test_what_mlcore_or_a_child_stopped_counts_as_cancelled(stop: Exception) -> None:
    def cancelled_meanwhile(context: JobContext) -> None:
        services.request_cancel(Job.objects.get(pk=context.job_id))
        raise stop

    job = queued(cancelled_meanwhile)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_cancelling_twice_is_no_error_but_a_finished_job_is_refused() -> None:
    job = queued(nothing)
    services.request_cancel(job)
    services.request_cancel(job)
    done = Job.objects.create(kind="kind")
    services.run_job(done.pk)
    with pytest.raises(JobRefused, match="has succeeded"):
        services.request_cancel(done)


# --- rights


def test_a_job_is_seen_by_its_owner_and_by_curators(member: User, other_member: User, curator: User) -> None:
    job = queued(nothing, owner=member)
    assert list(services.visible_jobs(member)) == [job]
    assert list(services.visible_jobs(curator)) == [job]
    assert list(services.visible_jobs(other_member)) == []


def test_a_stranger_can_neither_cancel_nor_retry(member: User, other_member: User) -> None:
    job = queued(nothing, owner=member)
    with pytest.raises(PermissionDenied):
        services.request_cancel(job, by=other_member)
    services.request_cancel(job, by=member)
    with pytest.raises(PermissionDenied):
        services.retry(job, by=other_member)
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_what_a_curator_does_to_a_job_is_in_the_trail(member: User, curator: User) -> None:
    job = queued(nothing, owner=member)
    services.request_cancel(job, by=member)
    services.retry(job, by=curator)
    services.request_cancel(job, by=curator)
    with pytest.raises(JobRefused):
        services.retry(Job.objects.create(kind="kind"), by=curator)
    assert [entry.action for entry in AuditEntry.objects.all()] == ["cancel-job", "retry-job"]
    assert {entry.who for entry in AuditEntry.objects.all()} == {curator}
    assert AuditEntry.objects.all()[0].target == f"job {job.pk} (kind)"


# --- retry


def test_a_failed_job_is_retried_with_all_its_tries_and_a_rising_attempt(
    sent: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job = queued(raising(DatasetError("empty")))
    services.run_job(job.pk)
    with django_capture_on_commit_callbacks(execute=True):
        services.retry(job)
    assert sent == [job.pk]
    assert (job.state, job.attempt, job.tries, job.error, job.finished_at) == ("queued", 1, 0, "", None)
    assert claimed(job).attempt == 2


def test_only_a_failed_or_cancelled_job_is_retried() -> None:
    job = queued(nothing)
    with pytest.raises(JobRefused, match="is queued; only a failed or cancelled one"):
        services.retry(job)


def test_a_cancelled_job_can_run_again() -> None:
    job = queued(nothing)
    context = claimed(job)
    services.request_cancel(job)
    context.cancel()
    services.retry(job)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded" and not job.cancel_asked


def test_a_retry_is_refused_while_another_job_does_the_same() -> None:
    register("kind", nothing, least=Role.MEMBER)
    first = services.submit("kind", {}, key="index-7")
    services.request_cancel(first)
    services.submit("kind", {}, key="index-7")
    with pytest.raises(JobRefused, match="does the same"):
        services.retry(first)
    first.refresh_from_db()
    assert first.state == "cancelled"


# --- the role that a kind needs


def lose_role(curator: User, how: str) -> None:
    if how == "demoted":
        accounts.set_role(curator, "member")
    else:
        User.objects.filter(pk=curator.pk).update(is_active=False)


@pytest.mark.parametrize("how", ["demoted", "deactivated"])
def test_a_waiting_job_of_somebody_who_lost_the_role_fails_with_a_sentence(curator: User, how: str) -> None:
    done: list[bool] = []
    job = queued(lambda context: done.append(True), least=Role.CURATOR, owner=curator)
    lose_role(curator, how)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, done) == ("failed", []) and "curator" in job.error


def test_who_lost_the_role_cannot_retry_and_another_curator_answers_for_it(curator: User) -> None:
    job = queued(nothing, least=Role.CURATOR, owner=curator, state="failed", finished_at=timezone.now())
    lose_role(curator, "demoted")
    once = User.objects.get(pk=curator.pk)
    with pytest.raises(PermissionDenied, match="only a curator"):
        services.retry(job, by=once)
    job.refresh_from_db()
    assert job.state == "failed"
    services.retry(job, by=person("dora", "curator"))
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.owner) == ("succeeded", curator)


def test_what_another_retried_fails_when_that_one_loses_the_role(curator: User) -> None:
    job = queued(nothing, least=Role.CURATOR, owner=curator, state="failed", finished_at=timezone.now())
    dora = person("dora", "curator")
    services.retry(job, by=dora)
    lose_role(dora, "demoted")
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"


def test_a_role_without_its_second_factor_retries_nothing(curator: User, settings: Settings) -> None:
    job = queued(nothing, least=Role.CURATOR, owner=curator, state="failed", finished_at=timezone.now())
    settings.REQUIRE_2FA = "curators"
    with pytest.raises(PermissionDenied):
        services.retry(job, by=curator)


def test_the_systems_jobs_need_no_role() -> None:
    job = queued(nothing, least=Role.ADMIN)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded"


def test_a_job_of_a_kind_that_is_gone_is_not_retried() -> None:
    job = Job.objects.create(kind="gone", state="failed", finished_at=timezone.now())
    with pytest.raises(JobRefused):
        services.retry(job)


def test_who_lost_the_role_leaves_no_waiting_job_to_the_system(curator: User) -> None:
    job = queued(nothing, least=Role.CURATOR, owner=curator)
    lose_role(curator, "demoted")
    accounts.delete_account(User.objects.get(pk=curator.pk))
    job.refresh_from_db()
    assert (job.state, job.owner) == ("failed", None) and job.error


# --- interruption


def test_an_interrupted_job_goes_back_without_losing_a_try() -> None:
    def interrupted(context: JobContext) -> None:
        interrupt_running_jobs()
        context.progress("half", 1, 2)

    job = queued(interrupted)
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.tries, job.sent_at) == ("queued", 1, 0, None)


def test_a_worker_that_is_stopping_claims_nothing() -> None:
    job = queued(nothing)
    interrupt_running_jobs()
    services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("queued", 0)


def test_a_worker_of_newer_code_claims_nothing_before_the_migrations(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = queued(nothing)
    with monkeypatch.context() as before:
        before.setattr(schema, "_is_current", False)
        before.setattr(schema, "missing_migrations", lambda: ["jobs.9999_later"])
        services.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("queued", 0)
    assert "jobs.9999_later; run `python manage.py migrate`" in caplog.text
    services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded"


# --- personal data


def test_a_persons_jobs_are_exported_and_outlive_them(member: User, other_member: User) -> None:
    job = queued(nothing, owner=member)
    queued(nothing, owner=other_member)
    assert [entry["kind"] for entry in export_all(member)["jobs"]] == ["kind"]
    services.disown_jobs(member)
    job.refresh_from_db()
    assert job.owner is None
