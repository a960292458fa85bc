"""What starts a job is done once, however often it is sent."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.parsers import MultiPartParser
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import IdempotentRequest, Job
from jobs.sweeper import KEEP_KEYS, sweep
from retrieval.models import Dataset
from tests.config.api.test_views import in_transaction
from tests.conftest import api_of

pytestmark = pytest.mark.services

ROOT = "/api/v1/datasets/"
MOTHS = {"name": "Moths", "source": "wings:species=3,per_class=4,size=32"}
KEY = {"HTTP_IDEMPOTENCY_KEY": "import-1"}


def test_the_same_request_gets_the_same_answer_and_is_done_once(curator_api: APIClient) -> None:
    first, again = (curator_api.post(ROOT, MOTHS, **KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json() and first["Location"] == again["Location"]
    assert "Idempotent-Replayed" not in first and again["Idempotent-Replayed"] == "true"
    assert (Dataset.objects.count(), Job.objects.count()) == (1, 1)


def test_a_key_with_another_body_is_refused(curator_api: APIClient) -> None:
    curator_api.post(ROOT, MOTHS, **KEY)
    answer = curator_api.post(ROOT, {**MOTHS, "name": "Others"}, **KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/api/problems/idempotency-key-reused")
    assert Dataset.objects.count() == 1


def test_a_file_is_part_of_what_was_asked(curator_api: APIClient) -> None:
    def send(data: bytes) -> Any:
        archive = SimpleUploadedFile("moths.zip", data)
        return curator_api.post(ROOT, {"name": "Moths", "archive": archive}, format="multipart", **KEY)

    assert [send(b"one").status_code, send(b"one").status_code, send(b"two").status_code] == [202, 202, 422]


def test_keys_are_a_persons_own(curator_api: APIClient, admin: User) -> None:
    curator_api.post(ROOT, MOTHS, **KEY)
    assert api_of(admin).post(ROOT, {**MOTHS, "name": "Others"}, **KEY).status_code == 202


def test_a_refused_request_leaves_its_key_free(curator_api: APIClient) -> None:
    assert curator_api.post(ROOT, {"name": "Moths", "source": "/nowhere"}, **KEY).status_code == 400
    assert curator_api.post(ROOT, MOTHS, **KEY).status_code == 202


def test_without_a_key_each_request_counts(curator_api: APIClient) -> None:
    assert [curator_api.post(ROOT, MOTHS).status_code for _ in range(2)] == [202, 400]


@pytest.mark.parametrize("key", ["", "x" * 201, "ä", "a\tb"])
def test_a_key_that_is_none_is_refused(curator_api: APIClient, key: str) -> None:
    assert curator_api.post(ROOT, MOTHS, HTTP_IDEMPOTENCY_KEY=key).status_code == 400


def test_keys_are_forgotten_after_a_week(curator_api: APIClient) -> None:
    curator_api.post(ROOT, MOTHS, **KEY)
    now = timezone.now()
    sweep(now + KEEP_KEYS / 2)
    assert IdempotentRequest.objects.exists()
    sweep(now + 1.01 * KEEP_KEYS)
    assert not IdempotentRequest.objects.exists()


def test_a_request_is_read_before_it_holds_anything(curator_api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = in_transaction(monkeypatch, MultiPartParser, "parse")
    archive = SimpleUploadedFile("moths.zip", b"one")
    assert curator_api.post(ROOT, {"name": "Moths", "archive": archive}, format="multipart", **KEY).status_code == 202
    assert parsed == [False]
