"""The command against the real site, in one process."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from django.test import Client

from accounts.models import User
from accounts.services import create_token
from kindred_client.cli import kindred

PASSED_ON = ("Authorization", "Accept", "Idempotency-Key")


def run(token: str, *words: str) -> Result:
    environment = {"KINDRED_URL": "http://testserver", "KINDRED_TOKEN": token}
    return CliRunner().invoke(kindred, words, env=environment, obj=httpx.MockTransport(site))


def site(request: httpx.Request) -> httpx.Response:
    """Answer as Django does, within the test's transaction."""
    sent = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    kind = request.headers.get("Content-Type", "")
    found = Client().generic(request.method, request.url.raw_path.decode(), request.read(), kind, headers=sent)
    return httpx.Response(found.status_code, headers=dict(found.headers), content=found.content)


@pytest.fixture
def token(home: Path, curator: User) -> str:
    return create_token(curator, "shell", False, timedelta(days=1))[1]


def test_who_signs_in_is_known(token: str, curator: User) -> None:
    found = run(token, "login")
    assert found.exit_code == 0 and curator.email in found.stderr
    assert curator.email in run("", "whoami").stdout  # by what login stored
    assert run("kin_wrong", "whoami").exit_code == 4


def test_what_is_not_there_and_what_is_not_allowed(token: str, member: User) -> None:
    assert run(token, "jobs", "wait", "999").exit_code == 5
    assert run(token, "datasets", "list").stdout.split()[0] == "id"
    members_own = create_token(member, "shell", False, timedelta(days=1))[1]
    found = run(members_own, "datasets", "import", "wings:species=4", "--server-path", "--name", "W", "--no-wait")
    assert found.exit_code == 4


def test_an_import_is_started_followed_and_cancelled(token: str) -> None:
    words = ("datasets", "import", "wings:species=4", "--server-path", "--name", "Wings", "--no-wait")
    assert "kindred jobs wait" in run(token, *words).stderr
    number = run(token, "jobs", "list", "--kind", "import").stdout.splitlines()[1].split()[0]
    assert "cancelled" in run(token, "jobs", "cancel", number).stdout
    assert run(token, "jobs", "wait", number).exit_code == 7
    assert "queued" in run(token, "jobs", "retry", number).stdout
    assert run(token, "jobs", "retry", number).exit_code == 3
