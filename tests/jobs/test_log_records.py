"""Log records of jobs: which job, which attempt, and which request submitted it."""

import logging
from collections.abc import Iterator

import pytest
from django.http import HttpRequest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.roles import Role
from config.log_context import during_request
from jobs import services
from jobs.context import JobContext
from jobs.models import Job
from jobs.registry import register
from tests.config.records import Records, until
from tests.jobs.conftest import nothing, queued

logger = logging.getLogger("kindred.test")


@pytest.fixture
def records() -> Iterator[Records]:
    kept = Records()
    yield kept
    kept.close()


@pytest.mark.django_db
def test_records_of_a_job_have_its_number_and_attempt(records: Records) -> None:
    job = queued(lambda context: logger.info("inside"))
    services.run_job(job.pk)
    logger.info("outside")
    records_of_it = [record for record in records.all() if record.get("job_id") == job.pk]
    assert [record["event"].split(": ")[-1] for record in records_of_it] == [
        "attempt 1 begins",
        "inside",
        f"job {job.pk} (kind) succeeded",
    ]
    assert {record["attempt"] for record in records_of_it} == {1}
    assert "job_id" not in records.one("outside")
    assert any(f"[- job={job.pk}/1] kindred.test: inside" in line for line in records.lines())


@pytest.mark.django_db
def test_an_error_of_a_job_is_one_record_and_leaves_nothing_behind(records: Records) -> None:
    def fail(context: JobContext) -> None:
        logger.info("job at hand")
        raise RuntimeError("a bug")

    job = queued(fail)
    services.run_job(job.pk)
    (record,) = [record for record in records.all() if "exception" in record]
    assert (record["level"], record["job_id"], record["attempt"]) == ("error", job.pk, 1)
    again = Job.objects.create(kind="kind")
    services.run_job(again.pk)
    assert [record["job_id"] for record in records.saying("job at hand")] == [job.pk, again.pk]


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_thread_names_the_job(
    records: Records, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_HEARTBEAT_SECONDS = 0.01
    monkeypatch.setattr(JobContext, "beat", lambda self: logger.info("beat"))
    job = queued(lambda context: until(lambda: records.saying("beat")))
    services.run_job(job.pk)
    assert {(record["job_id"], record["attempt"]) for record in records.saying("beat")} == {(job.pk, 1)}


@pytest.mark.django_db
def test_a_submitted_job_is_linked_with_its_request(
    sent: list[int], records: Records, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    register("kind", nothing, least=Role.MEMBER)
    with during_request(HttpRequest(), "r-1"), django_capture_on_commit_callbacks(execute=True):
        job = services.submit("kind", {})
    record = records.one("is queued")
    assert (record["request_id"], record["job_id"]) == ("r-1", job.pk)
    assert "attempt" not in record and sent == [job.pk]


@pytest.mark.django_db
def test_a_job_that_submits_another_keeps_its_own_number(
    sent: list[int], records: Records, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def submits(context: JobContext) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            services.submit("other", {})

    first = queued(submits)
    register("other", nothing, least=Role.MEMBER)
    services.run_job(first.pk)
    record = records.one("is queued")
    assert record["job_id"] == first.pk and f"job {sent[0]} (other) is queued" == record["event"]
