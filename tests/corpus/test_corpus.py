"""Nothing malformed does anything but be refused: no other error, no file left, no memory, no endless work."""

import json
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.corpus.archives import malformed_archives
from tests.corpus.pictures import malformed_pictures
from tests.retrieval.world import World

MEGABYTES = 300  # above the start, for any of them
SECONDS = 20  # for one of them, on a busy machine


def gone_through(kind: str, count: int, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.corpus.reading", kind, str(count), str(seed)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=30 + 5 * count)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("pictures", 300), ("archives", 40),
        pytest.param("pictures", 2000, marks=pytest.mark.full), pytest.param("archives", 200, marks=pytest.mark.full),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused_and_costs_little(kind: str, count: int) -> None:
    result = gone_through(kind, count, seed=13)
    assert result["odd"] == []
    assert result["read"] + result["refused"] == count and result["read"] and result["refused"]
    assert result["megabytes"] <= MEGABYTES and result["slowest"] <= SECONDS


@pytest.mark.parametrize("make", [malformed_pictures, malformed_archives])
def test_the_corpus_is_the_same_for_the_same_seed(make: Any) -> None:
    assert list(make(12, 1)) == list(make(12, 1)) != list(make(12, 2))


def test_the_site_answers_every_one_of_them(member_api: APIClient, world: World) -> None:
    statuses = {}
    for name, data in malformed_pictures(40, seed=4):
        form = {"datasets": world.dataset.pk, "file": SimpleUploadedFile("x.jpg", data)}
        statuses[name] = member_api.post("/api/v1/searches/", form, format="multipart").status_code
    assert set(statuses.values()) == {201, 400}, statuses


def test_an_import_of_every_one_of_them_ends(curator_api: APIClient) -> None:
    statuses = {}
    for name, data in malformed_archives(25, seed=4):
        form = {"name": name, "archive": SimpleUploadedFile(name, data)}
        statuses[name] = curator_api.post("/api/v1/datasets/", form, format="multipart").status_code
    assert set(statuses.values()) <= {202, 400}, statuses
