"""Notices: who is told what when work has ended, on the site, by mail and over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from jobs import notices, services
from jobs.errors import JobFailed
from jobs.models import Job, Notice
from jobs.registry import NoticeDraft, register
from tests.conftest import api_of, signed_in
from tests.jobs.conftest import nothing, queued

pytestmark = pytest.mark.django_db


def gives_up(context: object) -> None:
    raise JobFailed("no pictures")


def ended(owner: User | None, minutes: float, **fields: Any) -> Job:
    """Return a job that has taken so long; whatever it was asked to be, it is of a known kind."""
    now = timezone.now()
    values = {"state": "succeeded", "started_at": now - timedelta(minutes=minutes), "finished_at": now, "attempt": 1}
    return queued(nothing, owner=owner, **values | fields)


def test_a_long_job_gives_its_owner_one_notice(curator: User) -> None:
    job = ended(curator, 2, message="40 pictures")
    notices.hear(job)
    notices.hear(job)
    notice = Notice.objects.get()
    assert (notice.who, notice.outcome, notice.detail) == (curator, "succeeded", "40 pictures")
    assert notice.url == f"/jobs/{job.pk}/" and notice.title == "kind finished"


def test_a_short_job_and_the_systems_give_none(curator: User) -> None:
    notices.hear(ended(curator, 0.5))
    Job.objects.all().delete()
    notices.hear(ended(None, 5))
    assert not Notice.objects.exists()


def test_a_job_that_ends_is_heard_of(curator: User, django_capture_on_commit_callbacks: Any) -> None:
    register("told", nothing, least=Role.MEMBER, notice=notices.of_job, title="Import")
    register("fails", gives_up, least=Role.MEMBER, notice=notices.of_job, title="Import")
    for kind in ("told", "fails"):
        job = Job.objects.create(kind=kind, owner=curator)
        with django_capture_on_commit_callbacks(execute=True):
            services.run_job(job.pk)
    told = [(notice.title, notice.outcome, notice.detail) for notice in Notice.objects.order_by("pk")]
    assert told == [("Import finished", "succeeded", ""), ("Import failed", "failed", "no pictures")]


def test_whoever_retried_a_job_is_told(curator: User, admin: User) -> None:
    notices.hear(ended(curator, 2, retried_by=admin))
    assert Notice.objects.get().who == admin


def test_jobs_of_one_work_share_a_notice(curator: User) -> None:
    draft = NoticeDraft("experiment:1:24", True, "Experiment finished", "/lab/experiments/1/")
    register("kind", nothing, least=Role.MEMBER, notice=lambda job: draft)
    for _ in range(24):
        notices.hear(Job.objects.create(kind="kind", owner=curator, state="succeeded", finished_at=timezone.now()))
    assert Notice.objects.count() == 1


def test_mails_go_to_who_wants_them_with_links_to_the_site(curator: User, curator_client: Client) -> None:
    notices.hear(ended(curator, 2))
    assert mail.outbox == []
    curator_client.post("/me/notices/mail", {"mail": "on"})
    curator.refresh_from_db()
    assert curator.notices_origin == "http://testserver"
    Job.objects.all().delete()
    job = ended(curator, 2, message="done")
    Notice.objects.all().delete()
    notices.hear(job)
    assert [sent.to for sent in mail.outbox] == [[curator.email]]
    assert f"http://testserver/jobs/{job.pk}/" in mail.outbox[0].body
    curator_client.post("/me/notices/mail")
    curator.refresh_from_db()
    assert curator.notices_origin == ""


def test_a_mail_server_that_is_away_does_not_lose_the_notice(curator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(notices, "send_mail", away)
    notices.set_mailing(curator, "http://testserver")
    notices.hear(ended(curator, 2))
    assert Notice.objects.count() == 1


def test_the_header_counts_and_the_page_leads_on(curator: User, curator_client: Client) -> None:
    job = ended(curator, 2)
    notices.hear(job)
    notice = Notice.objects.get()
    page = curator_client.get("/me/notices/").content.decode()
    assert 'class="notice-count"' in page and "1 new notice" in page
    assert curator_client.post(f"/me/notices/{notice.pk}/open")["Location"] == notice.url
    assert "notice-count" not in curator_client.get("/me/notices/").content.decode()


def test_whoever_looks_at_the_job_has_read_its_notice(curator: User, curator_client: Client) -> None:
    notices.hear(job := ended(curator, 2))
    assert "notice-count" not in curator_client.get(f"/jobs/{job.pk}/").content.decode()
    assert notices.unread_count(curator) == 0


def test_nobody_opens_anothers(curator: User, member: User) -> None:
    notices.hear(ended(curator, 2))
    pk = Notice.objects.get().pk
    assert signed_in(member).post(f"/me/notices/{pk}/open").status_code == 404
    assert Client().get("/me/notices/")["Location"].startswith("/accounts/login/")
    assert api_of(member).get(f"/api/v1/notices/{pk}/").status_code == 404


def test_the_api_lists_and_marks(curator: User, curator_api: Any) -> None:
    for number in range(3):
        Notice.objects.create(who=curator, key=str(number), outcome="failed", title="Import failed", url="/jobs/1/")
    rows = curator_api.get("/api/v1/notices/?unread=true").json()["results"]
    assert len(rows) == 3 and rows[0]["read_at"] is None
    assert curator_api.post(f"/api/v1/notices/{rows[0]['id']}/read/").json()["read_at"]
    assert curator_api.post("/api/v1/notices/read/").json() == {"read": 2}
    assert curator_api.get("/api/v1/notices/?unread=true").json()["results"] == []


def test_old_read_notices_go(curator: User) -> None:
    for key, read in (("old", timezone.now() - timedelta(days=91)), ("new", timezone.now()), ("unread", None)):
        Notice.objects.create(who=curator, key=key, outcome="failed", title="x", url="/", read_at=read)
    notices.sweep(None)
    assert set(Notice.objects.values_list("key", flat=True)) == {"new", "unread"}
    assert len(notices.export_notices(curator)) == 2
    notices.erase_notices(curator)
    assert not Notice.objects.exists()
