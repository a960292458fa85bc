"""The image itself: what is in it, and a site of it that answers a search, as `make test-image` builds and runs it."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deploy.container import DECOY, Builder, Image, require_tools, send
from tests.fixtures.packing import told, unpack_database, unpack_files
from tests.jobs.live import wait_until
from tests.ports import free_port

pytestmark = pytest.mark.image

RELEASE = Path(__file__).resolve().parents[1] / "fixtures" / "0.1.0"
USER = 10001
HOST = "kindred.example"
NEVER = {"cc", "c++", "gcc", "g++", "clang", "cpp", "ld", "as", "make", "pip", "pip3", "npm", "node", "git", "curl"}
HEADERS = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
START_SECONDS, STOP_SECONDS = 180, 30


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Return the image of this checkout."""
    require_tools()
    folder = tmp_path_factory.mktemp("image")
    builder = Builder(folder)
    try:
        yield builder.build()
    finally:  # gigabytes, which pytest would keep
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


@dataclass(frozen=True)
class Deployed:
    """A site of the image, on data that an earlier release left in its volume."""

    image: Image
    volume: Path
    log: Path
    keys: dict[str, Any]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Return what compose.app.yaml gives, but the services: the volume has database and queue too."""
        trusted = {"KINDRED_HTTPS": "true", "KINDRED_TRUSTED_PROXIES": "1", "ALLOWED_HOSTS": HOST}
        return {"SECRET_KEY": self.keys["secret_key"], **trusted}

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a process of the site."""
        process = self.image.start([*command], self.volume, self.log, **self.environment, **environment)
        self.processes.append(process)
        return process

    def run(self, *command: str) -> str:
        """Run a command of the site to its end; return what was said so far."""
        return self.image.run([*command], self.volume, self.log, **self.environment)

    def said(self) -> str:
        """Return what all processes have said."""
        return self.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def deployed(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Put a release's data into a volume that belongs to the image's user, and migrate it with the image."""
    folder = tmp_path_factory.mktemp("deployed")
    volume = folder / "volume"
    unpack_files(RELEASE, volume)
    unpack_database(RELEASE, volume / "db.sqlite3")
    for path in (volume, *volume.rglob("*")):
        os.chown(path, USER, USER)
    site = Deployed(image, volume, folder / "log", told(RELEASE)[1])
    site.run("python", "manage.py", "migrate", "--noinput")
    yield site
    for process in site.processes:
        if process.poll() is None:
            send(process, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def web(deployed: Deployed) -> Iterator[str]:
    """Return the URL of the web process, which is ready; it ends within seconds when it is told to."""
    port = free_port()
    process = deployed.start(*deployed.image.config["Cmd"], KINDRED_PORT=str(port), KINDRED_HOST="127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers_200(f"{url}/readyz"), START_SECONDS, lambda: f"ready\n{deployed.said()}")
    yield url
    assert ended(process), deployed.said()


def answers_200(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell a process of the site to end; say whether it did, in time and of itself."""
    send(process, signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS) in (0, 128 + signal.SIGTERM)
    except subprocess.TimeoutExpired:
        return False


def programs(root: Path) -> set[str]:
    folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/venv/bin")
    return {path.name for folder in folders for path in (root / folder).glob("*")}


def test_it_runs_as_nobody_special(image: Image) -> None:
    assert image.config["User"] == f"{USER}:{USER}"
    assert image.config["StopSignal"] == "SIGTERM" and image.config["Healthcheck"]["Test"][-1] == "/livez"
    assert "KINDRED_HOST=0.0.0.0" in image.config["Env"] and "8000/tcp" in image.config["ExposedPorts"]
    assert image.config["Labels"]["org.opencontainers.image.title"] == "Kindred"
    files = [path for part in ("opt/venv", "kindred") for path in (image.root / part).rglob("*")]
    assert files and not [path for path in files if path.lstat().st_uid or is_open(path)]


def is_open(path: Path) -> bool:
    """Whether others than its owner may write it; Linux gives every link all rights."""
    return not path.is_symlink() and bool(path.stat().st_mode & 0o022)


def test_it_has_no_compiler(image: Image) -> None:
    assert {"python3", "tini", "granian", "celery"} <= programs(image.root)
    names = programs(image.root)
    assert not {name for name in names if name in NEVER or name.removesuffix("-12") in NEVER or "-gcc" in name}


def test_it_has_no_secret(image: Image) -> None:
    assert not [line for line in image.config["Env"] if "SECRET" in line or "PASSWORD" in line]
    assert list((image.root / "var/lib/kindred").iterdir()) == []
    files = [path for path in (image.root / "kindred").rglob("*") if path.is_file() and not path.is_symlink()]
    assert files and not [path for path in files if path.name in (".env", "secret_key") or ".git" in path.parts]
    assert not [path for path in files if DECOY.encode() in path.read_bytes()]
    assert not (image.root / "kindred/tests").exists()


def test_a_search_gets_results(web: str, deployed: Deployed) -> None:
    contents = told(RELEASE)[0]
    search = next(s for s in contents["searches"].values() if s["owner"] and s["query_image"] and not s["filters"])
    dataset = next(row["dataset"] for row in contents["searched"].values())
    headers = {**HEADERS, "Authorization": f"Token {deployed.keys['tokens']['cora writing']}"}
    body = {"datasets": [dataset], "image_id": search["query_image"], "k": 3}
    answer = httpx.post(f"{web}/api/v1/searches/", json=body, headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 201, answer.text
    columns = answer.json()["columns"]
    assert columns and all(len(column["results"]) == 3 for column in columns)


def test_pages_have_their_style(web: str) -> None:
    page = httpx.get(f"{web}/accounts/login/", headers=HEADERS, trust_env=False)
    (style,) = re.findall(r'"(/static/kindred/site\.\w+\.css)"', page.text)
    assert httpx.get(f"{web}{style}", headers=HEADERS, trust_env=False).status_code == 200


def test_the_root_cannot_be_written(deployed: Deployed) -> None:
    deployed.run("sh", "-c", "! touch /kindred/x /opt/venv/x 2>/dev/null && touch /tmp/x /var/lib/kindred/x")


def test_the_probe_of_compose(web: str, deployed: Deployed) -> None:
    port = web.rpartition(":")[2]
    probe = deployed.start("python", "deploy/probe.py", "/readyz", KINDRED_PORT=port)
    assert probe.wait(60) == 0, deployed.said()
    nowhere = deployed.start("python", "deploy/probe.py", "/readyz", KINDRED_PORT=str(free_port()))
    assert nowhere.wait(60) != 0


def test_the_sweeper_sends_the_jobs_that_wait(deployed: Deployed) -> None:
    beat = deployed.start("beat")
    messages = deployed.volume / "broker" / "messages"
    wait_until(lambda: any(messages.glob("*")), START_SECONDS, deployed.said)
    assert ended(beat), deployed.said()


@pytest.mark.parametrize("queues", ["work,index", "train"])
def test_a_worker_does_a_job(deployed: Deployed, queues: str) -> None:
    before = deployed.said()
    said = deployed.run("python", "manage.py", "worker", "--once", "--queues", queues).removeprefix(before)
    assert re.search(r"^job \d+ \(\S+\): succeeded$", said, re.MULTILINE), said


def test_an_encoder_gets_ready(deployed: Deployed) -> None:
    port = free_port()
    encoder = deployed.start("python", "manage.py", "encoder", ENCODER_HOST="127.0.0.1", ENCODER_PORT=str(port))
    wait_until(lambda: answers_200(f"http://127.0.0.1:{port}/readyz"), START_SECONDS, deployed.said)
    assert ended(encoder), deployed.said()


def test_without_a_secret_it_says_so(image: Image, tmp_path: Path) -> None:
    os.chown(tmp_path, USER, USER)
    log = tmp_path / "log"
    assert image.start(["python", "manage.py", "check"], tmp_path, log, KINDRED_HTTPS="true").wait(120) != 0
    assert "SECRET_KEY must be set" in log.read_text()


def test_nothing_tried_to_write_elsewhere(web: str, deployed: Deployed) -> None:
    assert "Read-only file system" not in deployed.said()
