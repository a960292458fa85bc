"""The database's tables as they were at given migrations: read by a backup, made again by a restore."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.apps import apps as code
from django.apps.registry import Apps
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model as Row

from backups.errors import BackupError
from backups.services.sql import execute, quoted

Migration = tuple[str, str]

SESSIONS = frozenset({"sessions.session", "usersessions.usersession"})
"""Left out of a backup: after a restore everybody signs in again."""

LOCK_WAIT = "20s"  # PostgreSQL: how long a restore waits for what still reads a table


def applied_migrations() -> list[Migration]:
    """Return the migrations that the database has had and the code knows.

    Raises:
        BackupError: the database is newer than the code.
    """
    loader = MigrationLoader(connection)
    applied = sorted(loader.applied_migrations)
    check_known(applied, "the database")
    return applied


def _unknown(migrations: Collection[Migration]) -> list[Migration]:
    return sorted(set(migrations) - set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations))


def check_known(migrations: Collection[Migration], whose: str) -> None:
    """Refuse migrations that are not in the code.

    Raises:
        BackupError: a newer version made them.
    """
    unknown = _unknown(migrations)
    if unknown:
        named = ".".join(unknown[0])
        raise BackupError(f"{whose} is of a newer version of Kindred (it has {named}); update the code, then try again")


def models_at(migrations: Collection[Migration]) -> Apps:
    """Return the models as they were after these migrations."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    apps: Apps = loader.project_state(_last(loader, migrations)).apps
    return apps


def stored_models(apps: Apps) -> list[type[Row]]:
    """Return the models whose rows a backup holds, in the order of their tables' names."""
    rows: Sequence[type[Row]] = apps.get_models(include_auto_created=True)
    kept = [row for row in rows if row._meta.managed and not row._meta.proxy and row._meta.label_lower not in SESSIONS]
    return sorted(kept, key=lambda row: row._meta.db_table)


def _last(loader: MigrationLoader, migrations: Collection[Migration]) -> list[Migration]:
    """Return the migrations after which none of the same app follows."""
    wanted = set(migrations)
    followed = {
        parent.key for node in wanted for parent in loader.graph.node_map[node].parents if parent.key[0] == node[0]
    }
    return sorted(wanted - followed)


@contextmanager
def replaced_database(migrations: Collection[Migration]) -> Iterator[Apps]:
    """Replace every table by an empty one as of these migrations; the block fills them and calls `migrate_to_code`.

    All of it is one transaction: the database is the old one or the new one, whoever dies when.
    """
    connection.ensure_connection()
    connection.disable_constraint_checking()  # SQLite changes tables in no transaction otherwise
    try:
        with transaction.atomic(durable=True):
            postgresql = connection.vendor == "postgresql"
            if postgresql:
                execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
            if set(MigrationLoader(connection).applied_migrations) != set(migrations):
                _drop_tables()
                executor = MigrationExecutor(connection)
                executor.migrate(_last(executor.loader, migrations))
            apps = models_at(migrations)
            for row in apps.get_models(include_auto_created=True):  # migrations fill some, too
                execute(f"DELETE FROM {quoted(row._meta.db_table)}")
            if postgresql:  # a migration that adds a foreign key checks it at each row for the rest of the transaction
                execute("SET CONSTRAINTS ALL DEFERRED")
            yield apps
    finally:
        connection.enable_constraint_checking()


def migrate_to_code() -> None:
    """Check the rows that were loaded, and bring their tables to what the code has.

    Raises:
        IntegrityError: a row names another that is not there.
    """
    connection.check_constraints()
    call_command("migrate", verbosity=0, interactive=False)


def _own_tables() -> list[str]:
    """Return the tables of the code's models and, where the database is newer, all of the apps that went ahead.

    The database may hold tables of other programs: they are not ours to drop.
    """
    own = {row._meta.db_table for row in code.get_models(include_auto_created=True)}
    own.add(MigrationRecorder.Migration._meta.db_table)
    ahead = tuple({f"{app}_" for app, _ in _unknown(MigrationLoader(connection).applied_migrations)})
    there = connection.introspection.table_names()
    return sorted(table for table in there if table in own or table.startswith(ahead))


def _drop_tables() -> None:
    """Drop the site's tables, of whatever version they are."""
    postgresql = connection.vendor == "postgresql"
    for table in _own_tables():
        execute(f"DROP TABLE {quoted(table)}{' CASCADE' if postgresql else ''}")
