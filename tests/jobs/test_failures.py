"""A planted listener hears of every job that ends in FAILED, whichever way it ends, and of nothing else."""

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from jobs import failures, registry, services
from jobs.errors import JobFailed
from jobs.models import Job
from jobs.registry import register_failure_listener
from jobs.sweeper import take_back
from tests.jobs.conftest import nothing, queued

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Plant a listener; return the list in which it writes a notice of each job that it hears of."""
    written: list[str] = []
    monkeypatch.setattr(registry, "FAILURE_LISTENERS", {})
    monkeypatch.setattr(failures, "FAILURE_LISTENERS", registry.FAILURE_LISTENERS)
    register_failure_listener("planted", lambda job: written.append(f"{job.kind} {job.state}: {job.error}"))
    return written


def gives_up(context: object) -> None:
    raise JobFailed("no pictures")


def has_a_bug(context: object) -> None:
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(("handler", "error"), [(gives_up, "no pictures"), (has_a_bug, "ZeroDivisionError")])
def test_a_handler_that_fails_is_told(
    notices: list[str], django_capture_on_commit_callbacks: Any, handler: Any, error: str
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.run_job(queued(handler).pk)
        assert notices == [], "not before the commit"
    assert len(notices) == 1 and notices[0].startswith("kind failed: ") and error in notices[0]


def test_a_job_whose_workers_died_is_told_after_its_last_try(
    notices: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    job = queued(nothing, max_attempts=1)
    services.claim(job.pk)
    with django_capture_on_commit_callbacks(execute=True):
        take_back(timezone.now() + timedelta(seconds=settings.JOB_STALE_SECONDS + 1))
    assert len(notices) == 1 and "the worker died" in notices[0]


def test_a_job_whose_starter_left_is_told(
    notices: list[str], django_capture_on_commit_callbacks: Any, member: User
) -> None:
    job = queued(nothing, least=Role.CURATOR, owner=member)
    with django_capture_on_commit_callbacks(execute=True):
        services.disown_jobs(member)
    job.refresh_from_db()
    assert len(notices) == 1 and (job.state, job.owner) == ("failed", None)


def test_nothing_else_is_told(notices: list[str], django_capture_on_commit_callbacks: Any) -> None:
    done, cancelled, lost = queued(nothing), queued(nothing), queued(nothing)
    with django_capture_on_commit_callbacks(execute=True):
        services.run_job(done.pk)
        services.request_cancel(cancelled)
        late = services.claim(lost.pk)
        Job.objects.filter(pk=lost.pk).update(attempt=7)  # another worker has it
        assert late is not None and not late.fail("too late")
    assert notices == []


def test_a_job_that_was_retried_at_once_is_not_told(
    notices: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    job = queued(gives_up)
    with django_capture_on_commit_callbacks(execute=True):
        services.run_job(job.pk)
        services.retry(job)
    assert notices == []


def test_a_listener_that_fails_harms_neither_the_job_nor_the_others(
    notices: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    def broken(job: Job) -> None:
        raise OSError("the mail server is away")

    registry.FAILURE_LISTENERS.clear()
    register_failure_listener("broken", broken)
    register_failure_listener("planted", lambda job: notices.append(job.error))
    job = queued(gives_up)
    with django_capture_on_commit_callbacks(execute=True):
        services.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "failed" and notices == ["no pictures"]


def test_a_name_is_registered_once(notices: list[str]) -> None:
    with pytest.raises(ValueError, match="'planted' is registered already"):
        register_failure_listener("planted", print)


def writers_of_failed(source: str) -> list[int]:
    """Return the lines of calls that set a state to FAILED, but for those that only look for it."""
    return [
        call.lineno
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and not (isinstance(call.func, ast.Attribute) and call.func.attr == "filter")
        for value in [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg != "state__in")]
        if ast.unparse(value) == "Job.State.FAILED"
    ]


def test_no_other_module_ends_a_job_in_failed() -> None:
    modules = [
        path
        for app in ("accounts", "jobs", "retrieval", "ratings", "backups", "operations")
        for path in (ROOT / app).rglob("*.py")
    ]
    assert [path.name for path in modules if writers_of_failed(path.read_text())] == ["failures.py"]
    assert writers_of_failed("rows.update(state=Job.State.FAILED)") and writers_of_failed("settle(Job.State.FAILED)")
