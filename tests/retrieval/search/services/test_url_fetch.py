"""Pictures at web addresses, from a server of this test whose hosts a faked resolver makes public."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore
import pytest
from pytest_django import Settings

from config.errors import Rejected
from retrieval.search.services import url_fetch as fetching
from retrieval.search.services.url_fetch import FetchedTooLate, fetch_picture, is_public

PUBLIC = "93.184.215.14"
PICTURE = b"bytes of a picture"


class Pages(BaseHTTPRequestHandler):
    """What the web is made of."""

    def do_GET(self) -> None:
        answers: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/picture": (200, {"Content-Type": "image/jpeg"}, PICTURE),
            "/page": (200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"),
            "/large": (200, {}, bytes(2**20 + 1)),
            "/moved": (302, {"Location": "/picture"}, b""),
            "/inside": (302, {"Location": "http://inside.example/picture"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/no-host": (302, {"Location": "http://[::1"}, b""),
            "/no-address": (302, {"Location": "//[zz]/"}, b""),
            "/no-port": (302, {"Location": "http://public.example:port/"}, b""),
            "/other-port": (302, {"Location": "http://public.example:6379/"}, b""),
            "/round": (302, {"Location": "/round"}, b""),
        }
        if self.path == "/slow":
            return self._drip()
        status, headers, body = answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(50):
            try:
                self.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.1)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """Serve the pages at http://public.example; give that address and a list of the addresses connected to."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hosts = {"public.example": [PUBLIC], "inside.example": ["10.0.0.5"], "both.example": [PUBLIC, "127.0.0.1"]}
    connected: list[str] = []
    connect = httpcore.SyncBackend.connect_tcp

    def resolve(host: str, port: int, **options: Any) -> list[Any]:
        if host not in hosts:
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in hosts[host]]

    def to_this_machine(self: Any, host: str, port: int, *args: Any, **options: Any) -> Any:
        connected.append(host)
        monkeypatch.setattr(socket, "getaddrinfo", REAL)  # the socket resolves what is an address already
        try:
            return connect(self, "127.0.0.1", server.server_port, *args, **options)
        finally:
            monkeypatch.setattr(socket, "getaddrinfo", resolve)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", to_this_machine)
    yield "http://public.example", connected
    server.shutdown()


REAL = socket.getaddrinfo


def test_a_picture_is_fetched_from_the_address_that_was_checked(web: tuple[str, list[str]]) -> None:
    root, connected = web
    assert fetch_picture(f"{root}/picture") == PICTURE and connected == [PUBLIC]
    assert fetch_picture(f"  {root}/moved ") == PICTURE


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/inside", "inside.example is not on the public internet"),
        ("/file", "not a URL that starts with http"),
        ("/no-host", r"^http://\[::1 is not a URL"),
        ("/no-address", r"^//\[zz\]/ is not a URL"),
        ("/no-port", "^http://public.example:port/ is not a URL"),
        ("/other-port", "port 6379 is not one of the web"),
        ("/round", "redirects too often"),
        ("/page", "that link is a web page"),
        ("/none", "answered 404 instead of a picture"),
    ],
)
def test_what_leads_elsewhere_is_refused(web: tuple[str, list[str]], path: str, sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence):
        fetch_picture(web[0] + path)
    assert set(web[1]) == {PUBLIC}, "nothing inside was even connected to"


def test_a_large_file_and_a_slow_host_are_left(web: tuple[str, list[str]], settings: Settings) -> None:
    settings.PICTURE_MAX_BYTES = 2**20
    with pytest.raises(Rejected, match="larger than 1 MB"):
        fetch_picture(f"{web[0]}/large")
    settings.FETCH_SECONDS, began = 0.5, time.monotonic()
    with pytest.raises(Rejected, match=r"took longer than 0\.5 seconds"):
        fetch_picture(f"{web[0]}/slow")
    assert time.monotonic() - began < 3


def test_what_is_fetched_together_has_one_end(web: tuple[str, list[str]]) -> None:
    began = time.monotonic()
    with pytest.raises(FetchedTooLate, match=r"no time was left to fetch from public\.example; try it again"):
        fetch_picture(f"{web[0]}/slow", began + 0.5)
    assert time.monotonic() - began < 3 and len(web[1]) == 1
    with pytest.raises(FetchedTooLate):
        fetch_picture(f"{web[0]}/picture", began)
    assert len(web[1]) == 1, "nobody is asked any more"
    assert fetch_picture(f"{web[0]}/picture", time.monotonic() + 5) == PICTURE


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://inside.example/x", "inside.example is not on the public internet"),
        ("http://both.example/x", "both.example is not on the public internet"),
        ("http://nowhere.example/x", "there is no host nowhere.example"),
        ("ftp://public.example/x", "not a URL that starts with http"),
        ("http:///x", "not a URL"),
        ("http://[::1/x", "not a URL"),
        ("http://me:secret@public.example/x", "a user name or a password"),
        ("http://public.example:8080/x", "port 8080 is not one of the web"),
    ],
)
def test_an_address_that_is_not_the_public_webs_is_refused(
    web: tuple[str, list[str]], address: str, sentence: str
) -> None:
    with pytest.raises(Rejected, match=sentence):
        fetch_picture(address)
    assert web[1] == []


def test_a_host_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_there(*args: Any, **options: Any) -> Any:
        raise httpcore.ConnectError("connection refused")

    monkeypatch.setattr(fetching, "_public_address", lambda *where: PUBLIC)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", nobody_there)
    with pytest.raises(Rejected, match=r"public\.example cannot be reached"):
        fetch_picture("http://public.example/x")


def test_a_slow_server_of_names_is_left_in_time(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    answer = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: answer.wait(20))
    settings.FETCH_SECONDS, began = 0.3, time.monotonic()
    try:
        with pytest.raises(Rejected, match=r"slow\.example took longer than 0\.3 seconds"):
            fetch_picture("http://slow.example/x")
        assert time.monotonic() - began < 5
    finally:
        answer.set()


def test_a_proxy_of_the_environment_is_not_asked(web: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert fetch_picture(f"{web[0]}/picture") == PICTURE


def test_a_site_may_fetch_nothing(web: tuple[str, list[str]], settings: Settings) -> None:
    settings.FETCH = False
    with pytest.raises(Rejected, match="does not fetch pictures"):
        fetch_picture(f"{web[0]}/picture")
    assert web[1] == []


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "::7f00:1", "64:ff9b:1::a00:1", "2001:db8::1", "192.0.0.192", "168.63.129.16",
        "::ffff:168.63.129.16", "64:ff9b::c000:c0",
    ],
)  # fmt: skip
def test_addresses_of_a_network_of_ones_own_are_not(address: str) -> None:
    assert not is_public(address)
