"""Whether the database has every migration of this code. One that has more is fine: newer code shares it for a while.

Once all are there the answer is kept, since a schema does not go back under a running process.
"""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

COMMAND = "python manage.py migrate"
MOST_NAMED = 5  # migrations in a sentence

_is_current = False


class SchemaTooOldError(RuntimeError):
    """The database lacks migrations of this code."""


def check_schema() -> None:
    """Raise where the database lacks migrations of this code; once it has all, ask no more.

    Raises:
        SchemaTooOldError: some are missing; it names them, and the command that runs them.
    """
    global _is_current
    if _is_current:
        return
    missing = missing_migrations()
    if missing:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        raise SchemaTooOldError(
            f"the database lacks the migrations {', '.join(missing[:MOST_NAMED])}{more}; "
            f"run `{COMMAND}` with this version of the code"
        )
    _is_current = True


def missing_migrations() -> list[str]:
    """Return the migrations of the code that the database has not had, as app.name, in their order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
