"""Nobody's own settings, and no waiting, in the tests of the command."""

from pathlib import Path

import pytest

from tests.kindred_client.shell import WINGS, Routes, page


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and pauses that last no time."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("kindred_client.transport.time.sleep", lambda seconds: None)
    return tmp_path


@pytest.fixture
def site(home: Path) -> Routes:
    """A site with one data set."""
    routes = Routes()
    routes["GET /datasets/"] = page(WINGS)
    routes["GET /datasets/4/"] = WINGS
    return routes
