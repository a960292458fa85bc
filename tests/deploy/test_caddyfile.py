"""What the Caddyfile keeps from the public."""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.jobs.live import wait_until
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class Welcoming(BaseHTTPRequestHandler):
    """A site that answers everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[str]:
    """The address of Caddy before such a site, which has a prefix."""
    if shutil.which("caddy") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs caddy: apt-get install caddy")
        pytest.skip("caddy is not installed")
    port, site = free_port(), HTTPServer(("127.0.0.1", 0), Welcoming)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "KINDRED_SITE": f"http://127.0.0.1:{port}",
        "KINDRED_UPSTREAM": f"127.0.0.1:{site.server_port}",
        "KINDRED_URL_PREFIX": "/kindred",
        "KINDRED_CADDY_ADMIN": "off",
    }
    command = ["caddy", "run", "--config", "deploy/Caddyfile", "--adapter", "caddyfile"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), 30, lambda: "caddy")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        site.shutdown()
        site.server_close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_metrics_are_not_public_and_all_else_is(caddy: str) -> None:
    def status(path: str) -> int:
        return httpx.get(f"{caddy}{path}", trust_env=False).status_code

    hidden = ["/metrics", "/metrics?x=1", "/%6Detrics", "/kindred/metrics", "/kindred/%6detrics"]
    assert [path for path in hidden if status(path) != 404] == []
    public = ["/", "/livez", "/readyz", "/downloads/models/1/metrics", "/kindred/downloads/models/1/metrics"]
    assert [path for path in public if status(path) != 200] == []
