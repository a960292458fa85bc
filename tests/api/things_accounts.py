"""Requests about accounts and long work."""

from django.utils import timezone

from accounts import services
from jobs.models import Job, Notice
from tests.api.things import Ask, Scene, listed, thing

listed("GET /me/", "GET /me/export/", "GET /tokens/", "GET /audit/", "GET /operations/", "GET /jobs/", "GET /notices/")


@thing("PATCH /me/")
def another_name(scene: Scene) -> Ask:
    return Ask("/me/", {"display_name": "Maja"})


@thing("POST /tokens/")
def new_token(scene: Scene) -> Ask:
    return Ask("/tokens/", {"name": "notebook"})


@thing("GET /tokens/{id}/")
@thing("DELETE /tokens/{id}/")
def own_token(scene: Scene) -> Ask:
    return Ask(f"/tokens/{services.create_token(scene.member, 'notebook')[0].pk}/")


def job_of(scene: Scene, state: str) -> Job:
    ended = timezone.now() if state == "failed" else None
    return Job.objects.create(kind="index", owner=scene.member, state=state, finished_at=ended)


@thing("GET /jobs/{id}/")
def own_job(scene: Scene) -> Ask:
    return Ask(f"/jobs/{job_of(scene, 'queued').pk}/")


@thing("POST /jobs/{id}/cancel/")
def cancelled_job(scene: Scene) -> Ask:
    return Ask(f"/jobs/{job_of(scene, 'queued').pk}/cancel/")


@thing("POST /jobs/{id}/retry/")
def retried_job(scene: Scene) -> Ask:
    return Ask(f"/jobs/{job_of(scene, 'failed').pk}/retry/")


def notice_of(scene: Scene) -> Notice:
    """Return a notice of the member."""
    values = {"outcome": "succeeded", "title": "Index finished", "url": "/jobs/1/"}
    return Notice.objects.get_or_create(who=scene.member, key="job:1:1", defaults=values)[0]


@thing("GET /notices/{id}/")
def own_notice(scene: Scene) -> Ask:
    return Ask(f"/notices/{notice_of(scene).pk}/")


@thing("POST /notices/{id}/read/")
def read_notice(scene: Scene) -> Ask:
    return Ask(f"/notices/{notice_of(scene).pk}/read/")


@thing("POST /notices/read/")
def read_notices(scene: Scene) -> Ask:
    return Ask("/notices/read/")
