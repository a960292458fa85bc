"""A full disk is told as one (507), wherever it is met, and nothing is left behind."""

import errno
import io
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import InMemoryUploadedFile, SimpleUploadedFile
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def left_behind() -> list[str]:
    folder = Path(site.MEDIA_ROOT)
    return [str(path) for path in folder.rglob("*") if path.is_file()]


def archive(size: int) -> SimpleUploadedFile:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg"):
            file.writestr(name, os.urandom(size // 3))
    return SimpleUploadedFile("set.zip", packed.getvalue(), "application/zip")


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every upload end in a full disk after its first piece."""
    whole: Callable[..., Iterator[bytes]] = InMemoryUploadedFile.chunks

    def cut(self: Any, chunk_size: int | None = None) -> Iterator[bytes]:
        yield next(iter(whole(self, chunk_size)))[:10]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(InMemoryUploadedFile, "chunks", cut)


def pictures() -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile("a.jpg", jpeg(), "image/jpeg")]


@pytest.mark.usefixtures("full")
def test_the_api_says_so_wherever_files_are_stored(curator_api: APIClient, world: World) -> None:
    curator_api.raise_request_exception = False
    upload = curator_api.post("/api/v1/uploads/", {}).json()["id"]
    before, dataset = left_behind(), f"/api/v1/datasets/{world.dataset.pk}"
    sent: list[tuple[str, dict[str, Any]]] = [
        ("/api/v1/datasets/", {"name": "Full", "archive": archive(900)}),
        ("/api/v1/datasets/preview/", {"archive": archive(900)}),
        (f"{dataset}/reimport/", {"archive": archive(900)}),
        (f"{dataset}/images/", {"pictures": pictures(), "class_name": world.dataset.class_names[0]}),
        (f"/api/v1/uploads/{upload}/files/", {"files": pictures(), "paths": ["a/1.jpg"]}),
    ]
    for path, body in sent:
        answer = curator_api.post(path, body, format="multipart")
        assert (answer.status_code, answer.json()["type"]) == (507, "/api/problems/disk-full"), (path, answer.json())
        assert left_behind() == before, path


@pytest.mark.usefixtures("full")
def test_a_page_says_so_too(curator_client: Client) -> None:
    curator_client.raise_request_exception = False
    for action in ("import", "preview"):
        answer = curator_client.post("/lab/import/", {"name": "Full", "archive": archive(900), "action": action})
        assert answer.status_code == 507 and b"Storage full" in answer.content
        assert left_behind() == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount 6 MB of memory, which needs root: CI has it, elsewhere the test above has to do."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must be able to mount a small disk: {done.stderr}")
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("full", ["media", "temporary"])
def test_a_disk_that_is_really_full(full: str, tiny_disk: Path, settings: Settings, curator_api: APIClient) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20
    if full == "media":
        settings.MEDIA_ROOT = tiny_disk
    else:
        settings.FILE_UPLOAD_TEMP_DIR = str(tiny_disk)
    curator_api.raise_request_exception = False
    answer = curator_api.post("/api/v1/datasets/", {"name": "Up", "archive": archive(9 * 2**20)}, format="multipart")
    assert (answer.status_code, answer.json()["type"]) == (507, "/api/problems/disk-full")
    assert [path for path in tiny_disk.rglob("*") if path.is_file()] == []
