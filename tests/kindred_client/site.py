"""A real site for the client: a web server in processes of its own, on the test's database and files."""

import io
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from accounts import services
from accounts.models import User
from kindred_client import Kindred
from tests.jobs.live import Live, wait_until
from tests.ports import free_port

START_SECONDS = 60


class Site:
    """The web server of a test, which may die and come back at the same address."""

    def __init__(self, live: Live, env: Mapping[str, str] | None = None) -> None:
        self.live, self.env = live, env
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.server = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server as the Procfile does, and return when it answers."""
        granian = [str(Path(sys.executable).with_name("granian")), "--interface", "asginl", "--http", "1", "--no-ws"]
        granian += ["--log-config", "config/granian_logs.json"]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        self.server = self.live.start([*granian, *where, "config.asgi:application"], leads=True, env=self.env)
        wait_until(self.answers, START_SECONDS, lambda: f"an answer\n{self.live.logs()}")
        return self.server

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.address}/api/v1/me/", trust_env=False).status_code == 401
        except httpx.TransportError:
            return False

    def kill9(self) -> None:
        """Kill the server and its workers."""
        self.live.kill9(self.server)

    def api(self, user: User) -> httpx.Client:
        """Return an HTTP client of the site's API with a token of that person."""
        headers = {"Authorization": f"Token {services.create_token(user, 'tests', read_only=False)[1]}"}
        return httpx.Client(base_url=f"{self.address}/api/v1/", headers=headers, timeout=60, trust_env=False)

    def client(self, user: User) -> Kindred:
        """Return a client of the site with a token of that person."""
        return Kindred(self.address, services.create_token(user, "tests")[1], progress=False)


def tiny_jpegs(folder: Path, classes: int, each: int) -> None:
    """Write pictures that are all different, in class folders."""
    random = np.random.default_rng(0)
    for number in range(classes):
        (folder / f"class {number:02d}").mkdir(parents=True)
        for picture in range(each):
            pixels = random.integers(0, 256, (16, 16, 3), np.uint8)
            (folder / f"class {number:02d}" / f"{picture:03d}.jpg").write_bytes(jpeg_of(pixels))


def jpeg_of(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()
