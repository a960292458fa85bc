"""Helpers for raw SQL: execute, fetch one row, quote names."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def execute(sql: str, *values: Any) -> None:
    """Run a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


def fetch(sql: str, *values: Any) -> Sequence[Any] | None:
    """Return the first row of a query; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        row: Sequence[Any] | None = cursor.fetchone()
        return row


def quoted(name: Any) -> str:
    """Return the name of a table, or of a column, which a field may lack, as a statement holds it."""
    return str(connection.ops.quote_name(name))
