"""A real site for a real browser: what `make demo` starts, in a folder of its own."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from mlcore.butterflies import WingsSpec, picture_bytes
from tests.ports import free_port
from tests.turns import take_turns

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]
PATIENCE_MS = 120_000  # of an action, on a busy machine
expect.set_options(timeout=30_000)
HELD_OUT_SPECIES, NEW_PICTURE = 41, 30  # the demo draws pictures 0 to 23 of each species
START_SECONDS = 2400  # training included, on a busy machine
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@dataclass(frozen=True)
class Site:
    """Where the site is, the passwords that the demo printed, by role, and the folder of its files."""

    address: str
    people: dict[str, tuple[str, str]]
    var: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start `manage.py demo` with its default data; KINDRED_E2E_VAR names a folder to keep between runs."""
    kept = os.environ.get("KINDRED_E2E_VAR")
    var = Path(kept) if kept else tmp_path_factory.mktemp("demo")
    own = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CELERY_BROKER_URL")}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(free_port())],
        cwd=ROOT,
        env={**own, "KINDRED_VAR": str(var), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    try:
        greeted = _read_greeting(process, var)
        late.cancel()
        yield greeted
    finally:
        late.cancel()
        process.terminate()  # not SIGINT, which whoever starts the tests in the background makes it ignore
        process.wait(300)


def _read_greeting(process: subprocess.Popen[str], var: Path) -> Site:
    """Read what the demo says until it serves; then keep its pipe from filling."""
    said, address, people = [], "", {}
    for line in process.stdout or ():
        said.append(line)
        if found := re.search(r"serves .* at (http://\S+)", line):
            address = found[1].rstrip("/")
        if found := re.match(r"\s+(admin|member)\s+(\S+@\S+)\s+(\S+)", line):
            people[found[1]] = (found[2], found[3])
        if "Ctrl-C stops" in line:
            threading.Thread(target=lambda: list(process.stdout or ()), daemon=True).start()
            return Site(address, people, var)
    raise AssertionError(f"the demo ended before it served:\n{''.join(said[-40:])}")


@pytest.fixture(scope="session", autouse=True)
def database_beside_playwright() -> Iterator[None]:
    """Let tests of a site in this process use the database: Playwright's loop runs in the same thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium."""
    chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS.split())
    yield chromium
    chromium.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each walk be at one width, in turns: every page is looked at in both (test_every_page)."""
    walks: dict[tuple[Path, str], list[pytest.Item]] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or item.get_closest_marker("both_widths"):
            continue
        if item.path.parent == HERE and "context" in item.fixturenames:
            walks.setdefault((item.path, item.originalname), []).append(item)
    take_turns(walks.values())


@pytest.fixture(params=[360, 1440])
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    """A browser as wide as a phone, then as a desk."""
    opened = browser.new_context(viewport={"width": request.param, "height": 900}, has_touch=request.param < 500)
    yield opened
    opened.close()


def watched(context: BrowserContext) -> Page:
    """Return a new page that notes in `complaints` whatever the browser complains of."""
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.complaints = complaints  # type: ignore[attr-defined]
    return opened


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return watched(context)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A butterfly that no data set holds, of a species that no model was trained on."""
    file = tmp_path / "my butterfly.jpg"
    file.write_bytes(picture_bytes(WingsSpec(per_class=NEW_PICTURE + 1, size=320), HELD_OUT_SPECIES, NEW_PICTURE))
    return file
