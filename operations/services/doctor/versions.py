"""Checks of versions: Python, the packages of requirements.txt, libraries in machine code, the database's tables."""

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from config.environment import BASE_DIR
from config.schema import missing_migrations
from operations.services.doctor.findings import Check, Finding, failure, ok, warning

LEAST_PYTHON, LEAST_SQLITE = (3, 11), (3, 31)
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
LIBRARIES = {
    "torch": "import torch; torch.ones(2) @ torch.ones(2)",
    "torchvision": "import mlcore.networks.torchvision_compat as c; c.declare_missing_operators(); import torchvision",
    "hnswlib": "import hnswlib, numpy; i = hnswlib.Index('ip', 8); i.init_index(9); i.add_items(numpy.ones((9, 8)))",
    "onnxruntime": "import onnxruntime",
}
"""A line of Python that fails, or dies, where the library does not fit this machine."""
LIBRARY_SECONDS = 60
INSTALL = "Run `pip install -r requirements.txt` in the site's environment, and restart it."


def python() -> Iterator[Finding]:
    """Compare Python and SQLite with the oldest that the site runs on."""
    version, faults = ".".join(map(str, sys.version_info[:3])), 0
    if sys.version_info < LEAST_PYTHON:
        faults += 1
        yield failure(f"Python is {version}.", "Install Python 3.11 or later, and make the environment anew.")
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        faults += 1
        yield failure(f"SQLite is {sqlite3.sqlite_version}.", "Install SQLite 3.31 or later.")
    if not faults:
        yield ok(f"Python {version}, SQLite {sqlite3.sqlite_version}.")


def pinned() -> dict[str, str]:
    """Return the version of each package that requirements.txt names."""
    return dict(_PIN.findall((Path(BASE_DIR) / "requirements.txt").read_text()))


def packages() -> Iterator[Finding]:
    """Compare what is installed with the versions of requirements.txt."""
    pins, missing, others = pinned(), list[str](), list[str]()
    for name, wanted in pins.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if installed.partition("+")[0] != wanted:
            others.append(f"{name} {installed} instead of {wanted}")
    if missing:
        yield failure(f"Packages are not installed: {', '.join(missing)}.", INSTALL)
    if others:
        yield warning(f"Packages have other versions than were tested: {', '.join(others)}.", INSTALL)
    if not missing and not others:
        yield ok(f"All {len(pins)} packages have the versions of requirements.txt.")


def libraries() -> Iterator[Finding]:
    """Load each library in machine code in a process of its own, which it may end."""
    loaded = []
    for name, code in LIBRARIES.items():
        try:
            done = subprocess.run(
                [sys.executable, "-c", code],
                cwd=BASE_DIR,
                capture_output=True,
                text=True,
                timeout=LIBRARY_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            do = "See whether this machine lacks memory, or its disk is slow."
            yield failure(f"{name} does not load within {LIBRARY_SECONDS} seconds.", do)
            continue
        if done.returncode == 0:
            loaded.append(name)
        else:
            yield _unloaded(name, done.returncode, done.stderr)
    if loaded:
        yield ok(f"Loaded: {', '.join(loaded)}.")


def _unloaded(name: str, code: int, told: str) -> Finding:
    if code == -signal.SIGILL:
        do = f"Install it here, or with HNSWLIB_NO_NATIVE=1: `pip install --force-reinstall --no-deps {name}`."
        return failure(f"{name} was compiled for another processor: it ends the process.", do)
    last = told.strip().splitlines()[-1:] or [f"its process ended with {code}"]
    do = f"Install it again: `pip install --force-reinstall --no-deps {name}=={pinned().get(name, '')}`."
    return failure(f"{name} does not load: {last[0][:200]}.", do)


def migrations() -> Iterator[Finding]:
    """Compare the database's tables with those of the code."""
    loader = MigrationLoader(connection)
    newer = sorted(key for key in loader.applied_migrations if _is_unknown(key, set(loader.disk_migrations)))
    if newer:
        seen = f"The database was migrated by a newer release: it has {'.'.join(newer[0])}, which this one lacks."
        yield failure(seen, "Install that release again, or restore a backup that was made before the update.")
        return
    waiting = missing_migrations()
    if waiting and not loader.applied_migrations:
        yield failure("The database has no tables yet.", "Run `python manage.py migrate`.")
    elif waiting:
        seen = f"{len(waiting)} of this release's migrations are not applied, the first is {waiting[0]}."
        yield failure(seen, "Back up the site, stop it, and run `python manage.py migrate`.")
    else:
        yield ok(f"The tables are those of this release: {len(loader.applied_migrations)} migrations are applied.")


def _is_unknown(key: tuple[str, str], known: set[tuple[str, str]]) -> bool:
    """Say whether a migration is of an app of this code, which does not have it; those of other programs are none."""
    return key not in known and key[0] in {app for app, _ in known}


CHECKS = (
    Check("python", "versions", python),
    Check("packages", "versions", packages),
    Check("libraries", "versions", libraries, seconds=4 * LIBRARY_SECONDS),
    Check("migrations", "versions", migrations, ("database",), seconds=30),
)
