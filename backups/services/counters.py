"""The counters that give rows their keys.

What was deleted may still be named by an index, a frozen result or a folder, so a restored site must not give its key
again: the counters go into a backup, not only the highest keys.
"""

from django.db import connection
from django.db.models import AutoField
from django.db.models import Model as Row

from backups.services.sql import execute, fetch, quoted


def last_key(row: type[Row]) -> int | None:
    """Return the last key that the counter of a table gave, 0 for none; None where keys are not counted."""
    key = row._meta.pk
    if not isinstance(key, AutoField):
        return None
    if connection.vendor == "sqlite":
        counted = fetch("SELECT seq FROM sqlite_sequence WHERE name = %s", row._meta.db_table)
        return int(counted[0]) if counted else 0
    [counter] = fetch("SELECT pg_get_serial_sequence(%s, %s)", quoted(row._meta.db_table), key.column) or [None]
    last, given = fetch(f"SELECT last_value, is_called FROM {counter}") or (0, False)
    return int(last) if given else 0


def set_last_key(row: type[Row], last: int) -> None:
    """Let the counter of a filled table go on after `last`, and after every key in the table."""
    table, key = row._meta.db_table, row._meta.pk
    [highest] = fetch(f"SELECT COALESCE(MAX({quoted(key.column)}), 0) FROM {quoted(table)}") or [0]
    last = max(last, highest)
    if connection.vendor == "sqlite":
        execute("DELETE FROM sqlite_sequence WHERE name = %s", table)
        execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", table, last)
    else:
        counter = "pg_get_serial_sequence(%s, %s)"
        execute(f"SELECT setval({counter}, %s, %s)", quoted(table), key.column, max(last, 1), last > 0)
