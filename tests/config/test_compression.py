"""What is compressed, what is not, and that it comes whole."""

import gzip
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver

from accounts.models import User
from config.api.urls import router
from config.compression import LARGEST, SECRETS, SMALLEST, compress
from tests.conftest import proven, signed_in
from tests.test_pages import names

LONG = b"<p>All work and no play makes a long page.</p>" * 200
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def sent(response: HttpResponseBase, accept: str = "gzip") -> HttpResponseBase:
    request = RequestFactory().get("/", headers={"Accept-Encoding": accept})
    request.resolver_match = None
    return compress(lambda _: response)(request)


def test_a_page_is_compressed_and_comes_whole() -> None:
    answer = sent(HttpResponse(LONG))
    assert answer["Content-Encoding"] == "gzip" and answer["Vary"] == "Accept-Encoding"
    assert isinstance(answer, HttpResponse) and gzip.decompress(answer.content) == LONG
    assert int(answer["Content-Length"]) == len(answer.content) < len(LONG) / 5


@pytest.mark.parametrize("accept", ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, br"])
def test_who_does_not_take_it_gets_the_plain_page(accept: str) -> None:
    answer = sent(HttpResponse(LONG), accept)
    assert not answer.has_header("Content-Encoding") and answer["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accept", ["gzip", "br, gzip;q=0.5", "gzip;q=0.01"])
def test_who_takes_it_gets_it(accept: str) -> None:
    assert sent(HttpResponse(LONG), accept)["Content-Encoding"] == "gzip"


def pieces() -> Iterator[bytes]:
    yield LONG


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(b"short"),
        HttpResponse(LONG, content_type="image/jpeg"),
        HttpResponse(LONG, content_type="application/zip"),
        HttpResponse(LONG, headers={"Content-Encoding": "gzip"}),
        HttpResponse(b"a" * (LARGEST + 1)),
        StreamingHttpResponse(pieces(), content_type="text/csv"),
        HttpResponse(status=304),
    ],
    ids=["short", "picture", "archive", "compressed already", "too large to hold twice", "streamed", "not modified"],
)
def test_all_else_is_sent_as_it_is(response: HttpResponseBase) -> None:
    encoding = response.get("Content-Encoding")
    answer = sent(response)
    assert answer.get("Content-Encoding") == encoding and not answer.has_header("Vary")


def test_the_length_is_blurred() -> None:
    lengths = {len(sent(HttpResponse(LONG)).content) for _ in range(20)}  # type: ignore[attr-defined]
    assert len(lengths) > 3


def test_a_version_becomes_weak() -> None:
    assert sent(HttpResponse(LONG, headers={"ETag": '"abc"'}))["ETag"] == 'W/"abc"'


def test_the_secret_pages_exist() -> None:
    assert set(names(get_resolver())) | {url.name for url in router.urls} >= SECRETS


@pytest.mark.django_db
def test_a_secret_that_is_shown_once_is_not_compressed(member: User) -> None:
    page = proven(signed_in(member)).post(
        "/me/tokens/", {"name": "of a program", "expires_in_days": "30"}, headers=GZIP
    )
    assert "kin_" in page.content.decode() and not page.has_header("Content-Encoding")


@pytest.mark.django_db
def test_pages_and_documents_of_the_site_are(client: Client, member: User) -> None:
    for path in ("/", "/leaderboard/", "/algorithms/", "/api/schema/", "/privacy/", "/nothing-here/"):
        answer = client.get(path, headers=GZIP)
        assert answer["Content-Encoding"] == "gzip", path
        assert len(answer.content) < len(gzip.decompress(answer.content)), path
    losses: Any = client.get("/api/v1/losses/", headers=GZIP)
    assert losses["Content-Encoding"] == "gzip"


@pytest.mark.django_db
def test_a_weak_version_still_finds_the_object(member: User) -> None:
    client = signed_in(member)
    loss = client.get("/api/v1/losses/", headers=GZIP)
    assert loss.status_code == 200
    one = client.get("/api/v1/me/", headers=GZIP)
    for etag in (one["ETag"], f"W/{one['ETag'].removeprefix('W/')}"):
        assert client.get("/api/v1/me/", headers={**GZIP, "If-None-Match": etag}).status_code == 304
        changed = client.patch(
            "/api/v1/me/", {"display_name": "Mia"}, content_type="application/json", headers={"If-Match": etag}
        )
        assert changed.status_code == 200


@pytest.mark.django_db
def test_a_page_below_the_size_is_not_worth_it(client: Client) -> None:
    answer = client.post("/theme/", {"theme": "pink"}, headers=GZIP)
    assert len(answer.content) < SMALLEST and not answer.has_header("Content-Encoding")


def test_nothing_is_held_longer_than_the_answer() -> None:
    """The compressed bytes take the place of the page's, so a page is never held twice."""
    response = HttpResponse(LONG)
    answer = sent(response)
    assert answer is response and gzip.GzipFile(fileobj=io.BytesIO(response.content)).read() == LONG
