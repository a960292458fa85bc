"""How the command ends, whatever goes wrong."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import kindred_client
from kindred_client.cli.output import cell, duration, plain
from kindred_client.cli.output import table as show_table
from tests.kindred_client.scripted import refuses
from tests.kindred_client.shell import Routes, page, run

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (page(), 0),
        (refuses(400), 3),
        (refuses(409, "conflict"), 3),
        (refuses(500, "error", request_id="r1"), 3),
        (refuses(401, "unauthenticated"), 4),
        (refuses(403, "forbidden"), 4),
        (refuses(404, "not-found"), 5),
        (httpx.ConnectError("refused"), 6),
        (httpx.Response(200, text="<html>"), 6),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "Permission denied", "there"), 1),
    ],
)
def test_each_trouble_has_its_status_and_a_sentence(site: Routes, answer: Any, code: int) -> None:
    site["GET /jobs/"] = answer
    found = run(site, "jobs", "list")
    assert found.exit_code == code
    assert "Traceback" not in found.output
    if code:
        assert found.stderr and not found.stdout


def test_wrong_usage_ends_with_two(site: Routes) -> None:
    for words in (["jobs", "wait", "x"], ["nothing"], ["search"], ["train", "--loss", "a"]):
        assert run(site, *words).exit_code == 2


def test_a_broken_server_is_told_with_the_request(site: Routes) -> None:
    site["GET /jobs/"] = refuses(500, "error", request_id="r1")
    assert "r1" in run(site, "jobs", "list").stderr


def test_what_a_site_says_cannot_steer_the_terminal(site: Routes) -> None:
    site["GET /jobs/"] = page({"id": 1, "kind": "import", "state": "failed", "error": "\x1b[2Jgone"})
    assert "\x1b" not in run(site, "jobs", "list").stdout
    site["GET /jobs/"] = refuses(400, detail="\x1b[2Jgone")
    assert "\x1b" not in run(site, "jobs", "list").stderr
    assert plain("a\tb") == "a\ufffdb"


def test_a_table_stands_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([{"id": 1, "name": "a"}, {"id": 20, "name": None}], ("id", "name"))
    assert capsys.readouterr().out.splitlines() == ["id  name", " 1  a", "20  –"]
    show_table([], ("id",))
    assert capsys.readouterr().out == "id\n"
    assert [cell(value) for value in (True, False, 0.123456, "")] == ["yes", "no", "0.1235", "–"]


@pytest.mark.parametrize(
    ("seconds", "told"), [(4.2, "4 s"), (89, "89 s"), (600, "10 min"), (5399, "1 h 30 min"), (7500, "2 h 05 min")]
)
def test_how_long_is_said_as_people_do(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_the_module_is_the_command() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "kindred_client", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == f"kindred, version {kindred_client.__version__}\n"
