"""The site that faults are done to."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from retrieval.registry.services.indexes import submit_index
from tests.faults.stack import Stack, through_a_proxy
from tests.faults.table import FAULTS, Fault
from tests.jobs.live import Live
from tests.retrieval.test_encoder_live import EncoderProcess
from tests.retrieval.world import World, done, places
from tests.storage.server import KEY

ROWS = list[tuple[str, str]]()
SMALL_DISK = "256m"


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Fault:
    """Return the fault of the test."""
    return FAULTS[request.param]


@pytest.fixture
def stack(
    fault: Fault,
    live: Live,
    world: World,
    member: User,
    curator: User,
    request: pytest.FixtureRequest,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Stack]:
    """Return a running site with what the fault needs; workers are started by the fault."""
    for name in fault.needs:
        request.getfixturevalue(f"needs_{name}")
    stack = Stack(live, world, member, curator)
    try:
        if "s3" in fault.needs:
            _share_files(stack, request, settings, monkeypatch, tmp_path)
        if "milvus" in fault.needs:
            stack.milvus_server = request.getfixturevalue("milvus")
            stack.milvus, live.env["VECTOR_STORE_URL"] = through_a_proxy(settings.VECTOR_STORE_URL)
        if "encoder" in fault.needs:
            stack.encoder = EncoderProcess(live)
            stack.env_of_web["ENCODER_URL"] = stack.encoder.url
        stack.open()
        yield stack
        if stack.is_settled:
            ROWS.append((fault.name, "; ".join(stack.seen)))
    finally:
        stack.close()


def _share_files(
    stack: Stack, request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Move the files of the world to S3, and let each process have a folder of its own."""
    stack.server = server = request.getfixturevalue("s3")
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    url = server.url(server.new_bucket())
    call_command("storage", "move", url)
    settings.STORAGE_URL = url
    stack.storage, address = through_a_proxy(server.address)
    stack.live.env |= KEY | {"STORAGE_URL": url.replace(server.address, address)}
    stack.hosts = folder / "hosts"


@pytest.fixture
def needs_s3() -> None:
    """Do nothing: the files move once the stack is there."""


@pytest.fixture
def needs_encoder() -> None:
    """Do nothing: it starts with the stack's environment."""


@pytest.fixture
def needs_milvus(request: pytest.FixtureRequest, world: World, settings: Settings) -> None:
    """Let the first model's index be in a real Milvus server."""
    settings.VECTOR_STORE_URL = request.getfixturevalue("milvus").url
    done(submit_index(world.models[0], by=None))


@pytest.fixture
def needs_small_disk(live: Live, world: World, settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Let the site's files be on a disk of memory, which needs root to mount."""
    disk = tmp_path / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(disk)]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must be able to mount a small disk: {made.stderr}")
        pytest.skip("mounting a small disk needs root")
    shutil.copytree(settings.VAR_DIR, disk / "var")
    for name, place in places(disk / "var").items():
        setattr(settings, name, place)
    live.env["KINDRED_VAR"] = str(disk / "var")
    yield
    live.stop_all()
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the rows of the table in docs/deploy.md."""
    for name, seen in ROWS:
        terminalreporter.write_line(f"| `{name}` | {FAULTS[name].done} | {seen} |")
