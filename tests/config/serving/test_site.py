"""What arrives whole, in pieces, too slowly, too long, or not at all."""

import asyncio
import errno
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from pytest_django import Settings

from config.bodies.guard import ARRIVED, ASKS, MOST_HEADER
from config.serving.environ import environ_of
from config.serving.site import Site

MEGABYTE = 2**20
Headers = dict[str, str]


class Django:
    """Stands for Django: notes what arrived, and allows bodies of 2 MB."""

    allowed = b"2097152"

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ.get(ASKS):
            start_response("200 OK", [(MOST_HEADER, self.allowed.decode())])
            return []
        start_response("200 OK", [("Content-Type", "text/plain")])
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.seen.append({"body": body, "fault": environ.get(ARRIVED), "length": environ.get("CONTENT_LENGTH")})
        return [b"done"]


def scope_of(headers: Headers, **more: Any) -> dict[str, Any]:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "method": "POST", "path": "/", "query_string": b"", "http_version": "1.1", "headers": pairs,
        "client": ("192.0.2.1", "4"), **more,
    }  # fmt: skip


def asked(django: Any, headers: Headers, pieces: list[bytes], *, ends: bool = True) -> list[Mapping[str, Any]]:
    """Send those pieces; `ends`: else nothing more comes, and nobody leaves."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if ends:
        messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Mapping[str, Any]:
        if messages:
            return messages.pop(0)
        return await asyncio.Event().wait() and {}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Site(django)(scope_of(headers), receive, send))
    return sent


def test_a_form_arrives_whole() -> None:
    django = Django()
    sent = asked(django, {"Content-Length": "6"}, [b"abc", b"def"])
    assert django.seen == [{"body": b"abcdef", "fault": None, "length": "6"}]
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


def test_a_chunked_body_gets_the_length_that_it_has() -> None:
    django = Django()
    asked(django, {"Content-Length": "2", "Transfer-Encoding": "chunked"}, [b"abc", b"def"])
    assert django.seen == [{"body": b"abcdef", "fault": None, "length": "6"}]


@pytest.mark.parametrize(("allowed", "fault"), [(b"10", "long"), (b"99999999999", "unending")])
def test_a_chunked_body_ends_at_the_limit(settings: Settings, allowed: bytes, fault: str) -> None:
    settings.PICTURE_MAX_BYTES, django = 1, Django()
    django.allowed = allowed
    asked(django, {"Transfer-Encoding": "chunked"}, [b"a" * 600_000] * 2 + [b"x"], ends=False)
    assert django.seen == [{"body": b"", "fault": fault, "length": None}]


def test_a_body_that_does_not_come_is_cut(settings: Settings) -> None:
    settings.BODY_SECONDS, django = 0.2, Django()
    asked(django, {"Content-Length": "6"}, [b"abc"], ends=False)
    assert [seen["fault"] for seen in django.seen] == ["slow"]


def test_a_body_that_goes_on_coming_has_more_time(settings: Settings) -> None:
    settings.BODY_SECONDS, settings.BODY_BYTES_PER_SECOND, django = 0.0001, 1, Django()
    asked(django, {"Content-Length": "6"}, [b"abc"], ends=True)
    assert django.seen[0]["fault"] in (None, "slow")


def test_a_long_body_is_refused_before_it_is_read(settings: Settings) -> None:
    class Refusing(Django):
        def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
            assert environ[ASKS]
            start_response("413 Content Too Large", [])
            return [b"too long"]

    sent = asked(Refusing(), {"Content-Length": str(3 * MEGABYTE)}, [], ends=False)
    assert (sent[0]["status"], sent[1]["body"]) == (413, b"too long")


def test_a_body_larger_than_a_picture_is_read_as_it_comes(settings: Settings) -> None:
    settings.PICTURE_MAX_BYTES, django = 1, Django()
    asked(django, {"Content-Length": str(2 * MEGABYTE)}, [b"a" * MEGABYTE, b"b" * MEGABYTE])
    assert len(django.seen[0]["body"]) == 2 * MEGABYTE


def test_an_archive_that_stops_coming_is_told_while_it_is_read(settings: Settings) -> None:
    settings.PICTURE_MAX_BYTES, settings.BODY_SECONDS, settings.BODY_BYTES_PER_SECOND = 1, 0.2, 100 * MEGABYTE
    django = Django()
    with pytest.raises(TimeoutError):
        django({"CONTENT_LENGTH": "1", "wsgi.input": _Late()}, lambda *_: None)
    assert asked(django, {"Content-Length": str(2 * MEGABYTE)}, [b"a" * MEGABYTE], ends=False)[1:] == []
    assert django.seen == []


class _Late:
    def read(self, size: int) -> bytes:
        raise TimeoutError


def test_too_many_at_once_are_told_to_come_again(settings: Settings) -> None:
    settings.BODIES_AT_ONCE, django = 0, Django()
    asked(django, {"Content-Length": "6"}, [b"abcdef"])
    assert [seen["fault"] for seen in django.seen] == ["crowd"]


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any, piece: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(SpooledTemporaryFile, "write", full)
    django = Django()
    asked(django, {"Content-Length": "6"}, [b"abcdef"])
    assert [seen["fault"] for seen in django.seen] == ["full"]


def test_nothing_is_asked_of_django_when_the_sender_leaves(settings: Settings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR, django = str(tmp_path), Django()

    async def run() -> None:
        messages = iter([
            {"type": "http.request", "body": b"a" * 100_000, "more_body": True},
            {"type": "http.disconnect"},
        ])  # fmt: skip
        await Site(django)(scope_of({"Content-Length": "200000"}), _each(messages), _unheard)

    asyncio.run(run())
    assert django.seen == [] and list(tmp_path.iterdir()) == []


def _each(messages: Any) -> Callable[[], Awaitable[Mapping[str, Any]]]:
    async def receive() -> Mapping[str, Any]:
        return next(messages)  # type: ignore[no-any-return]

    return receive


async def _unheard(message: Mapping[str, Any]) -> None:
    """Take what nobody listens to."""


def test_whoever_takes_nothing_of_an_answer_is_left(settings: Settings) -> None:
    settings.ANSWER_SECONDS, django = 0.1, Django()

    async def stuck(message: Mapping[str, Any]) -> None:
        await asyncio.sleep(30)

    async def receive() -> Mapping[str, Any]:
        return await asyncio.Event().wait() and {}

    asyncio.run(asyncio.wait_for(Site(django)(scope_of({}), receive, stuck), 10))


class Film:
    """A long answer: pieces for ever."""

    streaming, closed = True, False

    def __iter__(self) -> Iterator[bytes]:
        return itertools.repeat(bytes(MEGABYTE))

    def close(self) -> None:
        self.closed = True


def test_whoever_takes_a_long_answer_slowly_keeps_no_thread_from_others(settings: Settings) -> None:
    settings.WEB_THREADS, settings.DOWNLOADS_AT_ONCE, settings.ANSWER_SECONDS = 2, 3, 2
    films: list[Film] = []
    statuses: list[int] = []

    def django(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response("503 Busy" if environ.get(ARRIVED) else "200 OK", [])
        if environ["PATH_INFO"] != "/film" or environ.get(ARRIVED):
            return [b"page"]
        films.append(Film())
        return films[-1]

    async def stuck(message: Mapping[str, Any]) -> None:
        await asyncio.sleep(30 if "body" in message and len(message["body"]) == MEGABYTE else 0)

    async def quick(message: Mapping[str, Any]) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def receive() -> Mapping[str, Any]:
        return await asyncio.Event().wait() and {}

    async def all_of_it() -> None:
        site = Site(django)
        viewers = [asyncio.create_task(site(scope_of({}, path="/film"), receive, stuck)) for _ in range(3)]
        while site.downloads.free:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(site(scope_of({}), receive, quick), 1)
        await site(scope_of({}, path="/film"), receive, quick)
        await asyncio.gather(*viewers)

    asyncio.run(asyncio.wait_for(all_of_it(), 20))
    assert statuses == [200, 503] and all(film.closed for film in films) and len(films) == 4


def test_what_answers_before_the_guard_answers_a_body_too() -> None:
    def static(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/css")])
        return [b"a {}"]

    sent = asked(static, {"Content-Length": str(MEGABYTE)}, [bytes(MEGABYTE)])
    assert (sent[0]["status"], sent[1]["body"]) == (200, b"a {}")


def test_the_environment_has_bytes_as_latin_1_and_no_doubtful_header() -> None:
    environ = environ_of(
        scope_of(
            {"X_Forwarded_Proto": "https", "X-One": "1", "Content-Type": "text/plain"},
            raw_path=b"/sub/%ff%C3%A9",
            path="/sub/??",
            root_path="/sub",
            query_string=b"q=\xc3\xa9",
        )
    )
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/sub", "/\xff\xc3\xa9")
    assert (environ["QUERY_STRING"], environ["REMOTE_ADDR"]) == ("q=\xc3\xa9", "192.0.2.1")
    assert environ["CONTENT_TYPE"] == "text/plain" and environ["HTTP_X_ONE"] == "1"
    assert "HTTP_X_FORWARDED_PROTO" not in environ
