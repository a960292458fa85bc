"""What `pip install .` gives: the client and its command, with what they import and no more."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import kindred_client
from tests.test_architecture import roots

ROOT = Path(__file__).parents[2]
ASKED_LATE = {"pandas"}  # by who has it


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return found


def test_the_version_is_said_once_and_the_same() -> None:
    assert project()["project"]["version"] == kindred_client.__version__


def test_what_the_client_imports_is_what_it_depends_on() -> None:
    code = [path.read_text() for path in (ROOT / "kindred_client").rglob("*.py")]
    imported = set().union(*map(roots, code)) - set(sys.stdlib_module_names) - ASKED_LATE - {"kindred_client"}
    named = {re.split(r"\W", line)[0] for line in project()["project"]["dependencies"]}
    assert imported == named


def test_nothing_of_the_site_is_installed() -> None:
    assert project()["tool"]["setuptools"]["packages"]["find"]["include"] == ["kindred_client*"]
    assert project()["project"]["scripts"] == {"kindred": "kindred_client.cli:main"}
    assert callable(kindred_client.Kindred) and (ROOT / "kindred_client" / "py.typed").exists()


def test_the_checkouts_own_environment_gets_the_command() -> None:
    assert "pip install --no-deps -e ." in (ROOT / "Makefile").read_text()
