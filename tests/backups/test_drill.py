"""The drill: back up while people search and vote, lose everything, restore, and find the site as it was."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from config.schema import missing_migrations
from ratings.models import Ballot
from ratings.services import ballots
from retrieval.models import Search
from retrieval.search.services import model_cache
from tests.backups.sites import run, small_site
from tests.backups.test_restoring import rows
from tests.conftest import PASSWORD, api_of, person
from tests.retrieval.pictures import GOOD
from tests.retrieval.world import World

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
OWN = next(iter(GOOD))


def answers_to_own_picture(api: APIClient, world: World) -> list[Any]:
    results = api.get(search_with_own_picture(api, world)).json()["columns"]
    return [(column["model"], [(row["image"], row["similarity"]) for row in column["results"]]) for column in results]


def search_with_own_picture(api: APIClient, world: World) -> str:
    file = SimpleUploadedFile("bird.jpg", GOOD[OWN])
    answer = api.post("/api/v1/searches/", {"datasets": [world.dataset.pk], "k": 3, "file": file}, format="multipart")
    assert answer.status_code == 201, answer.content
    return str(answer["Location"])


@contextmanager
def busy(world: World, user: User) -> Iterator[list[int]]:
    """Let somebody else use the site again and again, until the block ends; yield how often they did."""
    done, enough, failed = [0], threading.Event(), []

    def go() -> None:
        try:
            while done[0] == 0 or (done[0] < 12 and not enough.is_set()):
                world.ask(user)
                ballot = ballots.next_ballot(user)
                ballots.rate(ballot, dict.fromkeys(ballot.order, 4))
                done[0] += 1
        except Exception as error:  # noqa: BLE001  # told by the test, not by a thread
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield done
    finally:
        enough.set()
        thread.join(60)
        assert not failed, failed


def lose_everything() -> None:
    """Leave an empty database and no file."""
    connection.disable_constraint_checking()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cascade = " CASCADE" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}{cascade}")
    connection.enable_constraint_checking()
    shutil.rmtree(settings.VAR_DIR)
    Path(settings.VAR_DIR).mkdir()
    cache.clear()
    model_cache.cache.clear()


@pytest.fixture
def tables_again() -> Iterator[None]:
    """Leave the tests after this one a database, whatever became of the restore."""
    yield
    call_command("migrate", verbosity=0)


def seen(client: APIClient, addresses: list[str]) -> dict[str, Any]:
    """Return what the site answers at these addresses."""
    answers = {address: client.get(address) for address in addresses}
    assert {answer.status_code for answer in answers.values()} == {200}, answers
    return {address: answer.json() for address, answer in answers.items()}


def test_drill(world: World, member: User, tables_again: None, tmp_path: Path) -> None:
    api, otto = api_of(member), person("otto", "member")
    addresses = [search_with_own_picture(api, world), f"/api/v1/searches/{world.ask(member).pk}/"]
    ballot = ballots.next_ballot(member)
    ballots.rate(ballot, {key: 1 + number for number, key in enumerate(ballot.order)})
    addresses += ["/api/v1/ballots/", "/api/v1/models/", "/api/v1/datasets/", "/api/v1/me/"]
    before, answers = seen(api, addresses), answers_to_own_picture(api, world)

    with busy(world, otto) as times:
        said = run("backup", tmp_path / "b")
    votes = Ballot.objects.filter(who=otto, voted_at__isnull=False).count()
    lose_everything()
    assert "warning" not in said and "Restored" in run("restore", tmp_path / "b")

    assert seen(api, addresses) == before and answers_to_own_picture(api, world) == answers
    assert "No fault" in run("verify")
    restored = Ballot.objects.filter(who=otto, voted_at__isnull=False)
    assert restored.count() <= votes == times[0] > 0
    assert all(vote.scores.count() == len(vote.order) for vote in restored), "a vote is there whole or not at all"
    assert all(search.rankings.count() == 2 for search in Search.objects.all())
    page = Client().post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert page.status_code == 302 and page["Location"] == "/"


def manage(var: Path, *words: object) -> str:
    """Run manage.py as an operator of a site of its own on SQLite."""
    environment = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "CACHE_URL")}
    environment |= {"KINDRED_VAR": str(var)}
    command = [sys.executable, "manage.py", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.services_only
def test_a_backup_moves_between_sqlite_and_this_database(tmp_path: Path) -> None:
    small_site()
    before = rows()
    run("backup", tmp_path / "there")
    manage(tmp_path / "other", "restore", tmp_path / "there")
    assert "No fault" in manage(tmp_path / "other", "verify")
    manage(tmp_path / "other", "backup", tmp_path / "back")
    User.objects.all().delete()
    run("restore", tmp_path / "back", "--force")
    assert rows() == before and not missing_migrations()
