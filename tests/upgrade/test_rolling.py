"""During an upgrade the release before runs on the database that this version has migrated, beside this version.

Each visits the site in turn, in processes of its own: what one writes the other reads and goes on with, models and
indexes as well as rows. See docs/upgrade.md.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.packing import unpack_database, unpack_files
from tests.fixtures.sources import ROOT, latest_release, unpack_source

RELEASE = latest_release()
KEYS = RELEASE / "keys.json"
VISITOR = Path(__file__).with_name("visitor.py")
FEWEST_PAGES, FEWEST_OPERATIONS = 150, 40  # that links and the schema led to when this was written, less a third


@dataclass(frozen=True)
class Upgraded:
    """A site of the release before, on whose database this version has run its migrations."""

    var: Path
    released: Path

    def run(self, checkout: Path, *words: object) -> "subprocess.CompletedProcess[str]":
        """Run Python in a checkout, with the site's environment and nothing of this process's."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        site = {"KINDRED_VAR": str(self.var), "SECRET_KEY": json.loads(KEYS.read_text())["secret_key"]}
        site |= {"CELERY_BROKER_URL": "memory://", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, cwd=checkout, env=kept | site, capture_output=True, text=True)

    def visit(self, checkout: Path, *words: object) -> dict[str, Any]:
        """Let people visit the site by the code of a checkout; return what they noted."""
        notes = self.var / "notes.json"
        visited = self.run(checkout, VISITOR, KEYS, checkout.name, notes, *words)
        assert visited.returncode == 0, visited.stderr[-4000:]
        found: dict[str, Any] = json.loads(notes.read_text())
        return found


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Upgraded:
    folder = tmp_path_factory.mktemp("upgrade")
    site = Upgraded(folder / "var", folder / RELEASE.name)
    unpack_source(RELEASE, site.released)
    unpack_files(RELEASE, site.var)
    unpack_database(RELEASE, site.var / "db.sqlite3")
    ran = site.run(ROOT, "manage.py", "migrate", "--verbosity", "0")
    assert ran.returncode == 0, ran.stderr
    return site


@pytest.fixture
def upgraded(migrated: Upgraded, tmp_path: Path) -> Upgraded:
    shutil.copytree(migrated.var, tmp_path / "var")
    return Upgraded(tmp_path / "var", migrated.released)


def kept(notes: dict[str, Any], place: Path) -> Path:
    place.write_text(json.dumps(notes))
    return place


def test_both_versions_serve_one_database(upgraded: Upgraded, tmp_path: Path) -> None:
    left = kept(upgraded.visit(ROOT), tmp_path / "left by this version.json")
    read = upgraded.visit(upgraded.released, left)
    assert read["pages"] >= FEWEST_PAGES and read["operations"] >= FEWEST_OPERATIONS, read
    left = kept(upgraded.visit(upgraded.released), tmp_path / "left by the release before.json")
    read = upgraded.visit(ROOT, left)
    assert read["pages"] >= FEWEST_PAGES and read["operations"] >= FEWEST_OPERATIONS, read


def dropped_column(rows: sqlite3.Connection) -> None:
    rows.execute("ALTER TABLE retrieval_search DROP COLUMN exclude_self")


def renamed_table(rows: sqlite3.Connection) -> None:
    rows.execute("ALTER TABLE ratings_ballot RENAME TO ratings_vote")


@pytest.mark.parametrize("harm", [dropped_column, renamed_table])
def test_a_migration_that_breaks_the_release_before_is_noticed(
    upgraded: Upgraded, harm: Callable[[sqlite3.Connection], None]
) -> None:
    with sqlite3.connect(upgraded.var / "db.sqlite3") as rows:
        harm(rows)
    visited = upgraded.run(upgraded.released, VISITOR, KEYS, "released", upgraded.var / "notes.json")
    assert visited.returncode == 1
    assert "django.db.utils.OperationalError: " in visited.stderr, visited.stderr[-4000:]
