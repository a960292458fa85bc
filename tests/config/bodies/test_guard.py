"""What is sent is refused by its length before a byte of it is read."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import api_of, signed_in

pytestmark = pytest.mark.django_db
MEGABYTE = 2**20
MULTIPART = "multipart/form-data; boundary=x"


class Untouched(io.RawIOBase):
    """A body that nobody may read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


@pytest.fixture(autouse=True)
def temporary(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Give the folder of temporary files, which is empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    yield folder
    assert list(folder.iterdir()) == []


def send(client: Client, path: str, length: int, content_type: str = MULTIPART) -> tuple[int, str, bytes]:
    """Announce so many bytes, of which none may be read; return status, content type and content."""
    answer = client.generic(
        "POST",
        path,
        b"",
        content_type,
        CONTENT_TYPE=content_type,
        CONTENT_LENGTH=str(length),
        **{"wsgi.input": Untouched()},
    )
    return answer.status_code, answer["Content-Type"], answer.content


@pytest.mark.parametrize("path", ["/accounts/login/", "/", "/nothing/here", "/lab/import/"])
def test_a_visitor_sends_a_small_form_or_nothing(client: Client, path: str) -> None:
    status, _, content = send(client, path, 1024 * MEGABYTE)
    assert status in (403, 413) and b"<h1>" in content


@pytest.mark.parametrize("path", ["searches/", "searches/batch/", "datasets/", "nothing/"])
def test_a_visitor_sends_no_file_to_the_api(client: Client, path: str) -> None:
    status, content_type, _ = send(client, f"/api/v1/{path}", 1024 * MEGABYTE)
    assert status in (401, 413) and content_type == "application/problem+json"


def test_a_member_sends_a_picture_and_no_archive(member_api: APIClient, member_client: Client) -> None:
    most = 21 * MEGABYTE
    for client in (member_api, member_client):
        status, _, content = send(client, "/api/v1/searches/", most + 1)
        assert (status, json.loads(content)["type"]) == (413, "/api/problems/too-large")
        assert send(client, "/api/v1/datasets/", most)[0] == 403
    assert send(member_client, "/", most + 1)[0] == 413
    assert send(member_client, "/lab/import/", most)[0] == 403


def test_a_curator_sends_an_archive(curator_api: APIClient, settings: Settings) -> None:
    settings.ARCHIVE_MAX_BYTES = 30 * MEGABYTE
    with pytest.raises(AssertionError, match="was read"):
        send(curator_api, "/api/v1/datasets/", 30 * MEGABYTE)
    assert send(curator_api, "/api/v1/datasets/", 31 * MEGABYTE + 1)[0] == 413


def test_a_token_that_may_not_write_is_told_so(curator: User) -> None:
    status, _, content = send(api_of(curator, read_only=True), "/api/v1/datasets/", 30 * MEGABYTE)
    assert (status, json.loads(content)["type"]) == (403, "/api/problems/read-only-token")


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.x+json", "text/plain"])
def test_only_a_form_has_files(curator_api: APIClient, content_type: str) -> None:
    assert send(curator_api, "/api/v1/datasets/", MEGABYTE + 1, content_type)[0] == 413


@pytest.mark.parametrize("length", ["-1", "a", "1e3", "9" * 30])
def test_a_length_that_is_none_is_refused(client: Client, length: str) -> None:
    answer = client.generic("POST", "/accounts/login/", b"", MULTIPART, CONTENT_TYPE=MULTIPART, CONTENT_LENGTH=length)
    assert answer.status_code in (400, 413)


def test_a_body_of_unknown_length_asks_for_one(curator_api: APIClient) -> None:
    """WSGI hands a chunked body over without its length, and Django would take it for none."""
    chunked = {"CONTENT_TYPE": MULTIPART, "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = curator_api.generic("POST", "/api/v1/datasets/", b"", MULTIPART, **chunked)
    assert (answer.status_code, answer.json()["type"]) == (411, "/api/problems/length-required")


@pytest.mark.parametrize("nested", ["[" * 200_000, '{"name": ' + "[" * 200_000 + "]" * 200_000 + "}", '{"a":' * 900])
def test_json_nested_deep_is_malformed(member_api: APIClient, nested: str) -> None:
    answer = member_api.patch("/api/v1/me/", data=nested, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (400, "/api/problems/malformed")


def test_json_of_51_levels_is_told_of_them(member_api: APIClient) -> None:
    for levels, told in ((50, False), (51, True)):
        body = '{"name": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"
        answer = member_api.patch("/api/v1/me/", data=body, content_type="application/json")
        assert answer.status_code == 400 and ("50 levels" in answer.json()["detail"]) == told


def test_what_is_packed_stays_packed(member_api: APIClient) -> None:
    packed = gzip.compress(json.dumps({"display_name": "Packed"}).encode())
    answer = member_api.patch(
        "/api/v1/me/", packed, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code in (400, 415)


class Cut(io.RawIOBase):
    """A form with a file, whose sender goes away in the middle of it."""

    def __init__(self) -> None:
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        self.whole = io.BytesIO(head + b"a" * 6 * MEGABYTE)

    def read(self, size: int = -1) -> bytes:
        piece = self.whole.read(size)
        if not piece:
            raise ConnectionResetError("the client went away")
        return piece


@pytest.mark.parametrize("path", ["/api/v1/searches/", "/"])
def test_a_form_that_is_cut_short_leaves_no_file(member: User, path: str) -> None:
    client = api_of(member) if path.startswith("/api/") else signed_in(member)
    client.raise_request_exception = False
    length = str(7 * MEGABYTE)
    answer = client.generic(
        "POST", path, b"", MULTIPART, CONTENT_TYPE=MULTIPART, CONTENT_LENGTH=length, **{"wsgi.input": Cut()}
    )
    assert answer.status_code == 408
