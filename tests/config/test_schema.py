"""Whether the database has every migration of the code: who asks, and how often."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import DjangoAssertNumQueries

from config import schema
from config.schema import MOST_NAMED, SchemaTooOldError, check_schema, missing_migrations

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_is_current", False)


def test_a_migrated_database_is_asked_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    assert not missing_migrations()
    check_schema()
    with django_assert_num_queries(0):
        check_schema()


def test_missing_migrations_are_asked_for_until_they_are_there() -> None:
    migrations = MigrationRecorder(connection)
    last = max(name for app, name in migrations.applied_migrations() if app == "ratings")
    migrations.record_unapplied("ratings", last)
    for _ in range(2):
        with pytest.raises(SchemaTooOldError, match=f"ratings.{last}; run `python manage.py migrate`"):
            check_schema()
    migrations.record_applied("ratings", last)
    check_schema()


def test_of_many_missing_migrations_the_first_are_named() -> None:
    migrations = MigrationRecorder(connection)
    gone = sorted(name for app, name in migrations.applied_migrations() if app == "retrieval")
    for name in gone:
        migrations.record_unapplied("retrieval", name)
    missing = missing_migrations()
    assert len(missing) >= len(gone) > MOST_NAMED
    with pytest.raises(SchemaTooOldError, match=f"{missing[0]}, .* and {len(missing) - MOST_NAMED} more; run"):
        check_schema()


def test_migrations_of_newer_code_are_no_fault() -> None:
    MigrationRecorder(connection).record_applied("ratings", "9999_later")
    check_schema()
