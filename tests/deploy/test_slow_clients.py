"""50 clients that send one byte a second stop nobody, behind the Caddyfile and without it."""

import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx
import pytest

from tests.deploy.dripping import dripping, waited
from tests.jobs.live import Live, wait_until
from tests.kindred_client.site import Site
from tests.ports import free_port

SECONDS = float(os.environ.get("KINDRED_DRIP_SECONDS", "6"))
SOON, AT_WORST = 2.0, 10.0  # seconds; a server that is stopped answers nobody while they drip
CLIENTS = 50


@pytest.fixture
def site(live: Live) -> Site:
    """A site that cuts a form after 2 seconds, of a process with 2 threads."""
    live.env |= {"KINDRED_BODY_SECONDS": "2", "WEB_THREADS": "2", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
    return Site(live)


@pytest.fixture
def caddy(site: Site, live: Live, tmp_path: Path) -> Iterator[int]:
    """The port of Caddy with the Caddyfile of the project."""
    if shutil.which("caddy") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs caddy: apt-get install caddy")
        pytest.skip("caddy is not installed")
    port = free_port()
    own = {
        "KINDRED_SITE": f"http://127.0.0.1:{port}, http://localhost:{port}",
        "KINDRED_UPSTREAM": f"127.0.0.1:{site.port}",
        "KINDRED_CADDY_ADMIN": "off",
        "HOME": str(tmp_path),
    }
    live.env |= own
    process = live.start(["caddy", "run", "--config", "deploy/Caddyfile", "--adapter", "caddyfile"])
    wait_until(lambda: _listens(port), 30, lambda: f"caddy\n{live.log_of(process)}")
    yield port


def assert_quick(took: list[float]) -> None:
    assert median(took) < SOON and max(took) < AT_WORST


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_server_alone_cuts_them_and_goes_on(site: Site) -> None:
    waited(site.port, 0.1)
    with dripping(site.port, CLIENTS) as told:
        time.sleep(1)
        took = waited(site.port, SECONDS)
    assert_quick(took)
    assert told and set(told) == {b"HTTP/1.1 408 Request Timeout"}


def test_behind_caddy_the_site_does_not_hear_of_them(caddy: int, live: Live, site: Site) -> None:
    waited(caddy, 0.1)
    with dripping(caddy, CLIENTS):
        time.sleep(1)
        took = waited(caddy, SECONDS)
    assert_quick(took)
    assert "/accounts/login/" not in live.log_of(site.server)


def test_what_is_refused_is_told_through_caddy(caddy: int, site: Site) -> None:
    """Whoever closes while the proxy still sends makes it answer 502."""
    for port in (site.port, caddy):
        for _ in range(5):
            sent = httpx.post(f"http://127.0.0.1:{port}/", files={"file": bytes(5 * 2**20)}, trust_env=False)
            assert sent.status_code == 403


def test_caddy_bounds_bodies_and_tells_their_length(caddy: int) -> None:
    address = f"http://127.0.0.1:{caddy}/api/v1/searches/"
    json = {"Content-Type": "application/json"}
    chunked = httpx.post(address, content=iter([b'{"datasets"', b": []}"]), headers=json, trust_env=False)
    assert chunked.status_code == 401  # not 411: Caddy took it in


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: a"])
def test_unfinished_headers_hold_no_thread(site: Site, head: bytes) -> None:
    clients = [socket.create_connection(("127.0.0.1", site.port), 5) for _ in range(CLIENTS)]
    for client in clients:
        client.sendall(head)
    assert_quick(waited(site.port, 1))
    for client in clients:
        client.close()


def test_who_goes_away_frees_the_thread(site: Site) -> None:
    """Whoever leaves before the answer does not keep one of the two threads."""
    for _ in range(10):
        client = socket.create_connection(("127.0.0.1", site.port), 5)
        client.sendall(b"GET /leaderboard/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.close()
    assert_quick(waited(site.port, 1))
