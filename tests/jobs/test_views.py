import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs import services
from jobs.models import Job
from tests.conftest import signed_in
from tests.jobs.conftest import nothing, queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(member: User) -> Job:
    return queued(nothing, owner=member)


def test_the_page_of_an_active_job_polls_and_can_cancel(member_client: Client, job: Job) -> None:
    page = member_client.get(f"/jobs/{job.pk}/").content.decode()
    assert f'hx-get="/jobs/{job.pk}/status"' in page
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
    assert "no picture in &lt;b&gt;birds&lt;/b&gt;" in page and f'action="/jobs/{job.pk}/retry"' in page


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


def test_the_list_is_for_curators(member_client: Client, client: Client) -> None:
    assert member_client.get("/lab/jobs/").status_code == 403
    assert client.get("/lab/jobs/").headers["Location"] == "/accounts/login/?next=/lab/jobs/"
