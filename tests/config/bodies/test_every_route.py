"""Every address and every operation with a body gets one byte more than it takes."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from pytest_django import Settings

from accounts.models import User
from config.api.urls import router
from config.bodies.rooms import MULTIPART, ROOMS
from tests.api.policy import POLICY
from tests.conftest import api_of

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
VALUES = {"id": "1", "pk": "1", "slug": "a", "token": "a", "digest": "a", "label": "1", "ranking": "1", "image": "1"}
UUID = "0d8f7a4e-6a52-4c57-9f3e-1d2b8c6f5a10"


class Untouched(io.RawIOBase):
    """A body that nobody may read."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, str | None]]:
    """Give the route and the name of every page."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern).removeprefix("^")
        if isinstance(entry, URLPattern):
            yield route, entry.name
        elif not route.startswith("api/"):
            yield from patterns(entry, route)


def pages() -> Iterator[tuple[str, str | None]]:
    """Give an address and the name of every page."""
    for route, name in patterns(get_resolver()):
        path = re.sub(r"<uuid:\w+>", UUID, route)
        path = re.sub(r"<int:\w+>", "1", path)
        path = re.sub(r"<(?:\w+:)?\w+>", "a", path)
        path = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "a", path)
        yield "/" + path.replace("\\Z", "").removesuffix("$"), name


def longest(name: str | None, content_type: str) -> int:
    room = ROOMS.get(name or "")
    if room and content_type.startswith(room.content_type):
        return room.bytes
    return int(site.JSON_MAX_BYTES if content_type.endswith("json") else site.FORM_MAX_BYTES)


def refused(client: Client, method: str, path: str, length: int, content_type: str) -> Any:
    return client.generic(
        method, path, b"", content_type, CONTENT_TYPE=content_type, CONTENT_LENGTH=str(length),
        **{"wsgi.input": Untouched()},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def temporary(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Look for temporary files, and begin with small limits for large files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    settings.SECURE_SSL_REDIRECT = False
    yield
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content_type", [FORM, MULTIPART, "application/json"])
def test_every_page_takes_no_byte_too_many(admin_client: Client, content_type: str) -> None:
    asked = list(pages())
    assert len(asked) > 100
    for path, name in asked:
        answer = refused(admin_client, "POST", path, longest(name, content_type) + 1, content_type)
        assert (answer.status_code, b"<h1>" in answer.content) == (413, True), path


@pytest.mark.parametrize("content_type", ["application/json", f"{MULTIPART}; boundary=x"])
def test_every_operation_takes_no_byte_too_many(admin: User, content_type: str) -> None:
    client = api_of(admin)
    writing = [row for row in POLICY if row.method != "GET"]
    assert len(writing) > 30
    for row in writing:
        key = UUID if row.path.startswith(("/searches/", "/uploads/", "/ballots/", "/tokens/")) else "1"
        path = "/api/v1" + row.path.replace("{id}", key).replace("{label}", "1")
        most = longest(resolve(path).url_name, content_type)
        answer = refused(client, row.method, path, most + 1, content_type)
        assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json"), row.operation
        assert answer.json()["type"] == "/api/problems/too-large"


def test_every_room_is_an_address() -> None:
    """A name that nothing has would leave its address without its files."""
    assert ROOMS.keys() <= {name for _, name in patterns(get_resolver())} | {url.name for url in router.urls}
