"""Ballots of before hidden checks are neither repeats nor have a duplicated column, in a database of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps.registry import Apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tests.fixtures.loading import created, named

pytestmark = pytest.mark.services


@pytest.fixture
def empty_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> Iterator[None]:
    """Let the connection lead to a database without a table."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with named(str(tmp_path / "old.sqlite3")):
                yield
            return
        name = f"{connection.settings_dict['NAME']}_old"
        with created(name), named(name):
            yield


def migrated(name: str) -> Apps:
    """Bring the database to a migration of ratings; return the models of then."""
    executor = MigrationExecutor(connection)
    executor.migrate([("ratings", name)])
    apps: Apps = executor.loader.project_state([("ratings", name)]).apps
    return apps


def test_ballots_of_before_are_no_repeats_and_stay_one_a_query(empty_database: None) -> None:
    old = migrated("0008_propensities")
    who = old.get_model("accounts", "User").objects.create(email="mia@example.org")
    search = old.get_model("retrieval", "Search").objects.create(k=8)
    key = uuid.uuid4()
    old.get_model("ratings", "Ballot").objects.create(
        id=key, who_id=who.pk, search_id=search.pk, order=[5, 6], voted_at=timezone.now()
    )
    ballots = migrated("0009_hidden_checks").get_model("ratings", "Ballot").objects
    ballot = ballots.get()
    assert (ballot.pk, ballot.order, ballot.repeat_of_id, ballot.duplicate) == (key, [5, 6], None, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        ballots.create(who_id=who.pk, search_id=search.pk, order=[5, 6], withdrawn_at=timezone.now())
    ballots.create(who_id=who.pk, search_id=search.pk, order=[6, 5], repeat_of_id=key, withdrawn_at=timezone.now())
