"""A database of its own, which a test brings to any migration."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

from tests.fixtures.loading import created, named


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


def migrated(app: str, name: str) -> Apps:
    """Bring the database to a migration of an app; return the models of then."""
    executor = MigrationExecutor(connection)
    executor.migrate([(app, name)])
    apps: Apps = executor.loader.project_state([(app, name)]).apps
    return apps
