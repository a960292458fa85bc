from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from jobs import registry, services
from jobs.errors import JobFailed, PassingFailure
from jobs.models import Job
from jobs.registry import register
from tests.conftest import api_of, signed_in
from tests.jobs.conftest import nothing, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(member: User) -> Job:
    return queued(nothing, owner=member)


def test_the_page_of_an_active_job_polls_and_can_cancel(member_client: Client, job: Job) -> None:
    page = member_client.get(f"/jobs/{job.pk}/").content.decode()
    assert f'hx-get="/jobs/{job.pk}/status?seen=Queued"' in page
    assert f'action="/jobs/{job.pk}/cancel"' in page and "/retry" not in page


def test_the_fragment_stops_the_polling_when_the_job_has_finished(member_client: Client, job: Job) -> None:
    assert member_client.get(f"/jobs/{job.pk}/status").status_code == 200
    services.run_job(job.pk)
    answer = member_client.get(f"/jobs/{job.pk}/status")
    assert answer.status_code == 286
    assert "hx-get" not in answer.content.decode() and "<html" not in answer.content.decode()


def test_an_error_is_shown_escaped(member_client: Client, job: Job) -> None:
    context = services.claim(job.pk)
    assert context is not None
    context.fail("no picture in <b>birds</b>")
    page = member_client.get(f"/jobs/{job.pk}/").content.decode()
    assert "No picture in &lt;b&gt;birds&lt;/b&gt;" in page and f'action="/jobs/{job.pk}/retry"' in page


def test_cancel_and_retry_by_button(member_client: Client, job: Job) -> None:
    assert member_client.post(f"/jobs/{job.pk}/cancel").headers["Location"] == f"/jobs/{job.pk}/"
    job.refresh_from_db()
    assert job.state == "cancelled"
    member_client.post(f"/jobs/{job.pk}/retry")
    job.refresh_from_db()
    assert job.state == "queued"


def test_what_cannot_be_done_is_said_in_a_sentence(member_client: Client, job: Job) -> None:
    services.run_job(job.pk)
    page = member_client.post(f"/jobs/{job.pk}/cancel", follow=True).content.decode()
    assert f"job {job.pk} has succeeded" in page


@pytest.mark.parametrize(
    ("name", "method"), [("job", "get"), ("job_status", "get"), ("cancel_job", "post"), ("retry_job", "post")]
)
def test_a_stranger_gets_404_and_a_visitor_the_sign_in_page(
    other_member: User, job: Job, name: str, method: str
) -> None:
    address = reverse(name, args=[job.pk])
    assert getattr(signed_in(other_member), method)(address).status_code == 404
    answer = getattr(Client(), method)(address)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/login/")
    job.refresh_from_db()
    assert job.state == "queued"


def test_a_button_is_no_link(member_client: Client, job: Job) -> None:
    assert member_client.get(f"/jobs/{job.pk}/cancel").status_code == 405


def test_curators_see_every_job_and_filter_them(curator_client: Client, job: Job) -> None:
    Job.objects.create(kind="other")
    page = curator_client.get("/lab/jobs/").content.decode()
    assert f'href="/jobs/{job.pk}/"' in page and "other" in page
    page = curator_client.get("/lab/jobs/?kind=other&state=queued&page=99").content.decode()
    assert f'href="/jobs/{job.pk}/"' not in page


@pytest.mark.parametrize("text", ["of a KIND", "stranger", "no such bird", "{job}", "wren"])
def test_the_list_is_searched_by_what_it_shows(
    curator_client: Client, member: User, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    register("titled", nothing, least=Role.MEMBER, title="Work of a kind")
    monkeypatch.setattr(registry, "SUBJECTS", {"birds": lambda name: Q(payload__bird__icontains=name)})
    User.objects.filter(pk=member.pk).update(display_name="A stranger")
    job = Job.objects.create(kind="titled", owner=member, message="no such bird", payload={"bird": "Wren"})
    other = Job.objects.create(kind="other")
    page = curator_client.get("/lab/jobs/", {"q": text.format(job=job.pk)}).content.decode()
    assert f'href="/jobs/{job.pk}/"' in page and f'href="/jobs/{other.pk}/"' not in page
    assert f'value="{text.format(job=job.pk)}"' in page
    assert f'href="/jobs/{job.pk}/"' not in curator_client.get("/lab/jobs/?q=auk").content.decode()
    assert curator_client.get("/lab/jobs/", {"q": "9" * 400 + "\0"}).status_code == 200


def test_the_list_is_for_curators(member_client: Client, client: Client) -> None:
    assert member_client.get("/lab/jobs/").status_code == 403
    assert client.get("/lab/jobs/").headers["Location"] == "/accounts/login/?next=/lab/jobs/"


def test_only_what_changed_is_announced(member_client: Client, job: Job) -> None:
    context = services.claim(job.pk)
    assert context is not None
    context.progress("near-duplicates", 1, 4)
    address = f"/jobs/{job.pk}/status"
    text = member_client.get(address, {"seen": "Queued"}).content.decode()
    assert 'id="job-said"' in text and "Running: Looking for near-duplicates" in text
    same = member_client.get(address, {"seen": "Running: Looking for near-duplicates"}).content.decode()
    assert 'id="job-said"' not in same and "aria-live" not in same


def test_times_and_the_phase_are_in_the_polled_part(member_client: Client, job: Job) -> None:
    context = services.claim(job.pk)
    assert context is not None
    context.progress("looks", 1, 4)
    assert "<dt>Started</dt>" in member_client.get(f"/jobs/{job.pk}/status").content.decode()
    context.finish({})
    text = member_client.get(f"/jobs/{job.pk}/status").content.decode()
    assert "<dt>Finished</dt>" in text and "looks" not in text and "Comparing" not in text


def test_the_time_left_is_estimated_from_the_phase(member_client: Client, job: Job) -> None:
    context = services.claim(job.pk)
    assert context is not None
    context.progress("train", 25, 100)
    began = timezone.now() - timedelta(seconds=60)
    Job.objects.filter(pk=job.pk).update(phase_started_at=began)
    job.refresh_from_db()
    assert job.seconds_left(began + timedelta(seconds=60)) == 180
    assert job.seconds_left(began + timedelta(seconds=1)) is None
    assert "about 3 min left" in member_client.get(f"/jobs/{job.pk}/status").content.decode()


def refuses(context: object, **payload: object) -> None:
    raise JobFailed("it holds moth/notes.txt twice")


def is_killed(context: object, **payload: object) -> None:
    raise PassingFailure("killed by signal 9")


@pytest.mark.parametrize(
    ("handler", "uploaded", "retried"),
    [(refuses, True, False), (refuses, False, True), (is_killed, True, True)],
)
def test_a_retry_is_offered_where_it_can_help(
    curator: User, curator_client: Client, handler: Any, uploaded: bool, retried: bool
) -> None:
    register(
        "fails",
        handler,
        least=Role.MEMBER,
        from_upload=lambda payload: uploaded,
        next_steps=lambda job: [("Send another archive", "/lab/import/")],
    )
    job = Job.objects.create(kind="fails", owner=curator)
    services.run_job(job.pk)
    page = curator_client.get(f"/jobs/{job.pk}/").content.decode()
    assert ('id="retry-job"' in page) is retried and 'href="/lab/import/"' in page
    assert api_of(curator).get(f"/api/v1/jobs/{job.pk}/").json()["can_be_retried"] is retried


def test_a_button_keeps_ones_place_on_this_site_only(member_client: Client, job: Job) -> None:
    answer = member_client.post(f"/jobs/{job.pk}/cancel", {"next": "/lab/experiments/3/"})
    assert answer.headers["Location"] == "/lab/experiments/3/"
    answer = member_client.post(f"/jobs/{job.pk}/retry", {"next": "https://evil.example/"})
    assert answer.headers["Location"] == f"/jobs/{job.pk}/"
