import socket

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from config.release import VERSION
from jobs import services
from jobs.models import Job
from tests.conftest import api_of
from tests.jobs.conftest import nothing, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(member: User) -> Job:
    return queued(nothing, owner=member)


def test_a_member_lists_own_jobs_and_a_curator_all(member_api: APIClient, curator_api: APIClient, job: Job) -> None:
    Job.objects.create(kind="other")
    assert [row["id"] for row in member_api.get("/api/v1/jobs/").json()["results"]] == [job.pk]
    assert len(curator_api.get("/api/v1/jobs/").json()["results"]) == 2


def test_jobs_are_filtered_by_state_and_kind(curator_api: APIClient, job: Job) -> None:
    done = Job.objects.create(kind="kind")
    services.run_job(done.pk)
    found = curator_api.get("/api/v1/jobs/?state=succeeded&state=failed&kind=kind").json()["results"]
    assert [row["id"] for row in found] == [done.pk]
    refused = curator_api.get("/api/v1/jobs/?state=lost")
    assert refused.status_code == 400 and refused["Content-Type"] == "application/problem+json"


def test_jobs_are_filtered_by_text(curator_api: APIClient, member: User, job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(error="the wren has flown")
    Job.objects.create(kind="other")
    for text in ("WREN", job.kind, str(job.pk), member.display_name):
        found = curator_api.get("/api/v1/jobs/", {"text": text}).json()["results"]
        assert [row["id"] for row in found] == [job.pk], text
    assert curator_api.get("/api/v1/jobs/", {"text": "auk"}).json()["results"] == []
    assert curator_api.get("/api/v1/jobs/", {"text": "a" * 201}).status_code == 400


def test_an_active_job_says_when_to_ask_again_and_a_finished_one_does_not(member_api: APIClient, job: Job) -> None:
    answer = member_api.get(f"/api/v1/jobs/{job.pk}/")
    assert answer["Retry-After"] == "2" and answer.json()["state"] == "queued"
    services.run_job(job.pk)
    answer = member_api.get(f"/api/v1/jobs/{job.pk}/")
    assert "Retry-After" not in answer and answer.json()["state"] == "succeeded"


def test_cancel_and_retry_answer_202_with_the_jobs_address(member_api: APIClient, job: Job) -> None:
    for verb, state in (("cancel", "cancelled"), ("retry", "queued")):
        answer = member_api.post(f"/api/v1/jobs/{job.pk}/{verb}/")
        assert (answer.status_code, answer.json()["state"]) == (202, state)
        assert answer["Location"] == f"http://testserver/api/v1/jobs/{job.pk}/"


def test_what_the_state_does_not_allow_is_a_conflict(member_api: APIClient, job: Job) -> None:
    services.run_job(job.pk)
    for verb in ("cancel", "retry"):
        answer = member_api.post(f"/api/v1/jobs/{job.pk}/{verb}/")
        assert (answer.status_code, answer.json()["type"]) == (409, "/api/problems/conflict")


@pytest.mark.parametrize(("method", "tail"), [("get", ""), ("post", "cancel/"), ("post", "retry/")])
def test_a_stranger_gets_404(other_member: User, job: Job, method: str, tail: str) -> None:
    assert getattr(api_of(other_member), method)(f"/api/v1/jobs/{job.pk}/{tail}").status_code == 404


def test_a_visitor_gets_401(client: APIClient, job: Job) -> None:
    assert client.get("/api/v1/jobs/").status_code == 401


def test_a_read_only_token_cannot_cancel(member: User, job: Job) -> None:
    reader = api_of(member, read_only=True)
    assert reader.get(f"/api/v1/jobs/{job.pk}/").status_code == 200
    assert reader.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 403
    job.refresh_from_db()
    assert job.state == "queued"


def test_a_running_job_tells_that_its_cancellation_was_requested(member_api: APIClient, job: Job) -> None:
    services.claim(job.pk)
    assert not member_api.get(f"/api/v1/jobs/{job.pk}/").json()["cancel_requested"]
    answer = member_api.post(f"/api/v1/jobs/{job.pk}/cancel/").json()
    assert (answer["state"], answer["cancel_requested"]) == ("running", True)


def test_curators_alone_learn_where_a_job_ran(
    member_api: APIClient, curator_api: APIClient, member_client: Client, curator_client: Client, job: Job
) -> None:
    services.run_job(job.pk)
    told = curator_api.get(f"/api/v1/jobs/{job.pk}/").json()["ran_on"]
    assert told["host"] == socket.gethostname() and told["versions"]["kindred"] == VERSION
    assert member_api.get(f"/api/v1/jobs/{job.pk}/").json()["ran_on"] is None
    assert "ran_on" not in member_api.get(f"/api/v1/jobs/{job.pk}/", {"fields": "id"}).json()
    for client, shown in ((curator_client, True), (member_client, False)):
        assert (f"kindred {VERSION}" in client.get(f"/jobs/{job.pk}/").content.decode()) is shown
