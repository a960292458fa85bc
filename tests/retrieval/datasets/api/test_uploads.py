import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import User
from retrieval.datasets.services import upload_files as files_services
from retrieval.datasets.services.uploads import begin_upload, take_upload
from retrieval.models import Upload
from tests.conftest import api_of
from tests.retrieval.datasets.filled import filled

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/uploads/"


def send(client: APIClient, upload: Upload, files: Mapping[str, bytes], **more: Any) -> Any:
    parts = [SimpleUploadedFile(path.rpartition("/")[2] or "x", content) for path, content in files.items()]
    body = {"files": parts, "paths": list(files), **more}
    return client.post(f"{ROOT}{upload.pk}/files/", body, format="multipart")


def test_a_folder_is_begun_filled_listed_and_thrown_away(curator_api: APIClient, curator: User) -> None:
    answer = curator_api.post(ROOT, {})
    assert answer.status_code == 201 and answer["Location"].endswith(f"/uploads/{answer.json()['id']}/")
    upload = Upload.objects.get()
    assert upload.owner == curator and answer.json()["files"] == 0
    stored = send(curator_api, upload, {"owls/1.jpg": b"one", "owls/2.jpg": b"two"})
    assert stored.status_code == 200
    assert stored.json()["stored"][1] == {"path": "owls/2.jpg", "sha256": hashlib.sha256(b"two").hexdigest(), "size": 3}
    shown = curator_api.get(answer["Location"]).json()
    assert (shown["files"], shown["bytes"]) == (2, 6) and shown["expires_at"] > shown["created_at"]
    listed = curator_api.get(f"{answer['Location']}files/").json()
    assert listed == {"next": None, "previous": None, "results": stored.json()["stored"]}
    assert curator_api.delete(answer["Location"]).status_code == 204
    assert curator_api.get(answer["Location"]).status_code == 404 and not upload.folder.exists()


def test_a_long_list_is_walked_by_its_links(curator_api: APIClient) -> None:
    upload = filled({f"owls/{number}.jpg": b"x" for number in range(7)})
    url, met = f"{ROOT}{upload.pk}/files/?limit=3", list[str]()
    while url:
        page = curator_api.get(url).json()
        assert len(page["results"]) <= 3
        met, url = met + [row["path"] for row in page["results"]], page["next"]
    assert met == [f"owls/{number}.jpg" for number in range(7)]


@pytest.mark.parametrize(
    "query", ["cursor=%F0", "cursor=!!", "cursor=Li4vMS5qcGc=", "limit=0", "limit=1001", "cursor=", "wish=1"]
)
def test_a_page_that_makes_no_sense_is_refused(curator_api: APIClient, query: str) -> None:
    upload = filled({"owls/1.jpg": b"x"})
    answer = curator_api.get(f"{ROOT}{upload.pk}/files/?{query}")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("path", ["../1.jpg", "/1.jpg", "owls/1.txt", "a\\1.jpg", "owls/.1.jpg"])
def test_a_path_that_is_refused_is_named(curator_api: APIClient, path: str) -> None:
    upload = filled({"owls/1.jpg": b"x"})
    answer = send(curator_api, upload, {"owls/2.jpg": b"2", path: b"3"})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["field"] == "paths.1" and path.replace("\\", "\\\\") in error["detail"]
    assert len(files_services.files_of(upload)) == 1


def test_a_name_that_some_systems_cannot_tell_from_another_is_a_problem(curator_api: APIClient) -> None:
    answer = send(curator_api, filled({"owls/1.jpg": b"x"}), {"Owls/2.jpg": b"2"})
    assert answer.status_code == 400 and "cannot tell them apart" in answer.json()["detail"]
    assert answer.json()["errors"][0]["field"] == "paths"


@pytest.mark.parametrize(
    ("more", "field"), [({"paths": ["a/1.jpg"]}, "paths"), ({"paths": []}, "paths"), ({"wish": "1"}, "wish")]
)
def test_a_form_that_makes_no_sense_is_refused(curator_api: APIClient, more: dict[str, Any], field: str) -> None:
    answer = send(curator_api, filled({"owls/1.jpg": b"x"}), {"a/1.jpg": b"1", "a/2.jpg": b"2"}, **more)
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == field


def test_a_request_without_files_is_refused(curator_api: APIClient) -> None:
    upload = filled({"owls/1.jpg": b"x"})
    answer = curator_api.post(f"{ROOT}{upload.pk}/files/", {"paths": ["a/1.jpg"]}, format="multipart")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "files"


def test_more_files_than_a_request_takes_are_too_many(curator_api: APIClient) -> None:
    answer = send(curator_api, filled({"owls/1.jpg": b"x"}), {f"a/{number}.jpg": b"" for number in range(101)})
    assert answer.status_code == 413 and answer.json()["type"].endswith("/too-large")


def test_a_hundred_files_and_an_empty_one_are_taken(curator_api: APIClient) -> None:
    upload = begin_upload(None)
    assert send(curator_api, upload, {f"a/{number}.jpg": b"" for number in range(100)}).status_code == 200


def test_a_full_upload_is_too_large(curator_api: APIClient, settings: Any) -> None:
    settings.ARCHIVE_MAX_BYTES = 5
    answer = send(curator_api, begin_upload(None), {"a/1.jpg": b"123456"})
    assert answer.status_code == 413 and "an upload may have at most" in answer.json()["detail"]


def test_an_upload_that_a_job_took_is_gone(curator_api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = filled({"owls/1.jpg": b"x"})
    store = files_services.store_files

    def taken_meanwhile(*args: Any) -> Any:
        take_upload(upload)
        return store(*args)

    monkeypatch.setattr(files_services, "store_files", taken_meanwhile)
    assert send(curator_api, upload, {"owls/2.jpg": b"2"}).status_code == 404
    assert send(curator_api, upload, {"owls/2.jpg": b"2"}).status_code == 404


def test_every_curator_sees_every_upload_and_nobody_else_any(
    curator_api: APIClient, admin: User, member_api: APIClient
) -> None:
    uploads = [begin_upload(None), begin_upload(admin)]
    found = {row["id"] for row in curator_api.get(ROOT).json()["results"]}
    assert found == {str(upload.pk) for upload in uploads}
    assert member_api.get(ROOT).status_code == 403 and APIClient().get(ROOT).status_code == 401
    assert send(api_of(admin, read_only=True), uploads[0], {"a/1.jpg": b"1"}).status_code == 403


def test_an_upload_is_changed_only_while_it_is_the_version_one_knows(curator_api: APIClient) -> None:
    upload = filled({"owls/1.jpg": b"x"})
    version = curator_api.get(f"{ROOT}{upload.pk}/")["ETag"]
    send(curator_api, upload, {"owls/2.jpg": b"2"})
    assert curator_api.delete(f"{ROOT}{upload.pk}/", headers={"If-Match": version}).status_code == 412
    assert upload.folder.exists()


def test_a_body_that_says_something_is_refused(curator_api: APIClient) -> None:
    assert curator_api.post(ROOT, {"name": "Birds"}).status_code == 400
    assert not Upload.objects.exists()
