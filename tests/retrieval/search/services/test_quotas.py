"""A person keeps so many searches, pictures and uploads; nothing of them is deleted to make room."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.personal_data import used_by
from jobs import sweeper
from jobs.models import Job
from jobs.services import run_job
from retrieval.models import Dataset, Search, Upload
from retrieval.models.upload import uploads
from tests.retrieval.pictures import jpeg, zipped
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db
REACHED = (409, "/api/problems/quota-reached")


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("type", "")


def search(api: APIClient, world: World) -> Any:
    picture = SimpleUploadedFile("a.jpg", jpeg(), "image/jpeg")
    return api.post("/api/v1/searches/", {"file": picture, "datasets": world.dataset.pk}, format="multipart")


def test_searches_end_at_the_quota(member_api: APIClient, member: User, world: World, settings: Settings) -> None:
    settings.SEARCHES_MAX = 1
    assert search(member_api, world).status_code == 201
    assert told(search(member_api, world)) == REACHED
    kept = Search.objects.get(owner=member)
    assert told(member_api.post(f"/api/v1/searches/{kept.pk}/refine/", {"k": 1})) == REACHED
    batch = {"searches": [{"datasets": [world.dataset.pk], "image_id": world.dataset.images.all()[0].pk}]}
    problem = member_api.post("/api/v1/searches/batch/", batch).json()["results"][0]["problem"]
    assert (problem["status"], problem["type"]) == REACHED
    assert list(Search.objects.filter(owner=member)) == [kept]
    kept.delete()
    assert search(member_api, world).status_code == 201


def test_pictures_end_at_the_quota(member_api: APIClient, world: World, settings: Settings) -> None:
    settings.QUERIES_MAX_BYTES = 1
    assert search(member_api, world).status_code == 201
    assert told(search(member_api, world)) == REACHED
    own = {"image_id": world.dataset.images.all()[0].pk, "datasets": [world.dataset.pk]}
    assert member_api.post("/api/v1/searches/", own).status_code == 201


def test_what_is_kept_is_known_without_a_look_at_files(member_api: APIClient, member: User, world: World) -> None:
    for _ in range(2):
        assert search(member_api, world).status_code == 201
    first, second = Search.objects.filter(owner=member).order_by("created_at")
    assert first.upload_bytes == first.upload.stat().st_size > 0
    assert member_api.post(f"/api/v1/searches/{first.pk}/refine/", {"k": 1}).status_code == 201
    world.ask(member)  # with a picture of the data set, which takes nothing

    def taken() -> int:
        return next(used.used for used in used_by(member) if used.name == "Query pictures")

    assert taken() == first.upload_bytes + second.upload_bytes
    first.delete()
    assert taken() == second.upload_bytes


def test_the_page_says_so(member: User, member_client: Client, world: World, settings: Settings) -> None:
    settings.SEARCHES_MAX = 0
    form = {"image": world.dataset.images.all()[0].pk, "datasets": world.dataset.pk}
    answer = member_client.post("/", form)
    assert answer.status_code == 400 and b"the most allowed" in answer.content
    assert not Search.objects.filter(owner=member).exists()


def test_uploads_end_at_the_quota(curator_api: APIClient, curator: User, settings: Settings) -> None:
    settings.UPLOADS_MAX, settings.UPLOADS_MAX_BYTES = 2, 2 * len(jpeg()) - 1
    first, second = (curator_api.post("/api/v1/uploads/", {}).json()["id"] for _ in range(2))
    assert told(curator_api.post("/api/v1/uploads/", {})) == REACHED
    for upload, code in ((first, 200), (second, 409), (first, 200)):
        body = {"files": [SimpleUploadedFile("a.jpg", jpeg())], "paths": ["a/1.jpg"]}
        assert curator_api.post(f"/api/v1/uploads/{upload}/files/", body, format="multipart").status_code == code
    assert sorted(Upload.objects.filter(owner=curator).values_list("files", flat=True)) == [0, 1]
    assert [path.name for path in uploads().rglob("*.jpg")] == ["1.jpg"]


def test_the_page_of_ones_data_shows_what_is_used(member_client: Client, member: User) -> None:
    content = member_client.get("/me/data/").content.decode()
    assert len(used_by(member)) == 4
    for used in used_by(member):
        assert used.name in content and str(used) in content


@pytest.fixture
def failed(curator_api: APIClient) -> Job:
    """A job that failed on an archive, which lies in the uploads still."""
    archive = SimpleUploadedFile("a.zip", zipped({"a/1.jpg": b"no picture"}))
    assert curator_api.post("/api/v1/datasets/", {"name": "Bad", "archive": archive}, format="multipart").data
    job = Job.objects.get()
    run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED and len(list(uploads().iterdir())) == 1
    return job


def aged(job: Job, days: float) -> None:

    then = timezone.now() - timedelta(days=days)
    Job.objects.filter(pk=job.pk).update(finished_at=then)
    for place in Path(uploads()).iterdir():
        os.utime(place, (then.timestamp(), then.timestamp()))


@pytest.mark.parametrize(("days", "left"), [(6.9, 1), (7.1, 0)])
def test_what_a_failed_job_left_goes_after_days(failed: Job, days: float, left: int) -> None:
    aged(failed, days)
    sweeper.sweep(timezone.now())
    assert len(list(uploads().iterdir())) == left


def test_what_waits_for_a_job_stays(failed: Job) -> None:
    aged(failed, 30)
    Job.objects.update(state=Job.State.QUEUED, sent_at=timezone.now(), finished_at=None)
    sweeper.sweep(timezone.now())
    assert len(list(uploads().iterdir())) == 1


def test_a_job_that_is_retried_too_late_says_so(failed: Job, curator_api: APIClient) -> None:
    aged(failed, 8)
    sweeper.sweep(timezone.now())
    assert curator_api.post(f"/api/v1/jobs/{failed.pk}/retry/").status_code == 202
    run_job(failed.pk)
    failed.refresh_from_db()
    assert failed.state == Job.State.FAILED and "uploaded files are gone" in failed.error
    assert Dataset.objects.get().revision == 0
