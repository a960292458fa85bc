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
from retrieval.search.services import quotas, run_search
from retrieval.search.services.quotas import query_bytes
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


def test_a_picture_that_was_just_stored_is_not_looked_at(
    member_api: APIClient, member: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    size_of = quotas._size_of

    def noted(file: str) -> int:
        asked.append(file)
        return size_of(file)

    sizes = []
    for _ in range(3):
        assert search(member_api, world).status_code == 201
        with monkeypatch.context() as watched:
            watched.setattr(quotas, "_size_of", noted)
            sizes.append(query_bytes(member))
    assert asked == []
    first = Search.objects.filter(owner=member).earliest("created_at")
    one = first.upload.stat().st_size
    assert sizes == [one, 2 * one, 3 * one]
    first.delete()
    assert query_bytes(member) == 2 * one


def test_only_new_pictures_are_measured(
    member: User, member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another process, with a memory of its own, has stored them."""
    monkeypatch.setattr("retrieval.search.services.run_search.note_query", lambda search, size: None)
    asked: list[str] = []
    size_of = quotas._size_of

    def noted(file: str) -> int:
        asked.append(file)
        return size_of(file)

    for number in range(1, 4):
        asked.clear()
        assert search(member_api, world).status_code == 201
        monkeypatch.setattr(quotas, "_size_of", noted)
        one = Search.objects.filter(owner=member).earliest("created_at").upload.stat().st_size
        assert query_bytes(member) == number * one
        assert len(asked) == 1
        monkeypatch.undo()
        monkeypatch.setattr("retrieval.search.services.run_search.note_query", lambda search, size: None)


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


def test_a_sum_of_before_is_not_taken_for_another_of_as_many_pictures(
    member_api: APIClient, member: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process stores a picture and deletes one: its memory is not this one's."""
    assert search(member_api, world).status_code == 201
    first = Search.objects.get(owner=member)
    query_bytes(member)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(run_search, "note_query", lambda *args: None)
        assert search(member_api, world).status_code == 201
    first.delete()
    second = Search.objects.get(owner=member)
    second.upload.write_bytes(bytes(12_345))
    assert query_bytes(member) == 12_345
