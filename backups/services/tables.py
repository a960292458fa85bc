"""Rows of tables as lines of JSON, the same for SQLite and PostgreSQL; written from one moment, loaded as they are.

A line is a list of values in the order of the manifest's columns. Nothing is computed anew on loading: no time is set
to now, no password is touched, and no key is ever given twice, for the counters of keys come along.
"""

import base64
import datetime
import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps.registry import Apps
from django.db import connection, transaction
from django.db.models import Field
from django.db.models import Model as Row

from backups.errors import BackupError
from backups.services.counters import last_key, set_last_key
from backups.services.files import private_text
from backups.services.sql import execute, quoted

CHUNK = 2000  # rows held in memory
MOST_VALUES = 900  # of one INSERT: SQLite takes 999


@dataclass(frozen=True)
class Table:
    """A table of a backup. last_key: the last that its counter gave, 0 for none; None where keys are not counted."""

    model: str
    columns: list[str]
    rows: int
    last_key: int | None

    @property
    def file(self) -> str:
        """Its path in the backup."""
        return f"database/{self.model}.jsonl"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


@contextmanager
def one_moment() -> Iterator[None]:
    """Let this thread read the database as it is at one moment, while others go on writing.

    SQLite: a reading transaction of the write-ahead log, which begins at its first read.
    """
    connection.ensure_connection()
    if connection.vendor != "sqlite":
        with transaction.atomic(durable=True):
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    sqlite: Any = connection
    usual, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"  # the site's own begin with a write
    try:
        with transaction.atomic(durable=True):
            execute("SELECT COUNT(*) FROM sqlite_master")
            yield
    finally:
        sqlite.transaction_mode = usual


def write_table(row: type[Row], folder: Path) -> Table:
    """Write all rows of a table below a backup's folder."""
    columns = [field.attname for field in row._meta.concrete_fields]
    table = Table(row._meta.label_lower, columns, 0, last_key(row))
    values = row._base_manager.order_by("pk").values_list(*columns).iterator(chunk_size=CHUNK)
    count = 0
    with private_text(folder / table.file) as file:
        for line in values:
            file.write(json.dumps(line, default=_plain, separators=(",", ":")) + "\n")
            count += 1
    return Table(table.model, columns, count, table.last_key)


def _plain(value: object) -> object:
    """Return what JSON holds in place of a value; `Field.to_python` gives it back."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    raise TypeError(f"a backup cannot hold a {type(value).__name__}")


def load_table(table: Table, apps: Apps, folder: Path) -> None:
    """Fill an empty table from a backup.

    Raises:
        BackupError: rows or columns are not those that the manifest tells of.
    """
    row = _model_of(table, apps)
    with (folder / table.file).open(encoding="utf-8") as lines:
        count = _insert(row, table, (_values_of(row, table, line) for line in lines))
    if count != table.rows:
        raise BackupError(f"{table.file} has {count} rows, not {table.rows} as the manifest says")
    if table.last_key is not None:
        set_last_key(row, table.last_key)


def _model_of(table: Table, apps: Apps) -> type[Row]:
    try:
        row: type[Row] = apps.get_model(table.model)
    except (LookupError, ValueError):
        raise BackupError(f"the backup has a table {table.model!r} that its migrations do not make") from None
    if {field.attname for field in row._meta.concrete_fields} != set(table.columns):
        raise BackupError(f"the columns of {table.model} in the backup are not those that its migrations make")
    return row


def _fields(row: type[Row], table: Table) -> "list[Field[Any, Any]]":
    by_name = {field.attname: field for field in row._meta.concrete_fields}
    return [by_name[name] for name in table.columns]


def _values_of(row: type[Row], table: Table, line: str) -> list[Any]:
    try:
        values = json.loads(line)
        pairs = zip(_fields(row, table), values, strict=True)
        return [field.get_db_prep_save(field.to_python(value), connection) for field, value in pairs]
    except (TypeError, ValueError) as error:
        raise BackupError(f"{table.file} holds a line that is no row: {error}") from error


def _insert(row: type[Row], table: Table, rows: Iterable[list[Any]]) -> int:
    fields = _fields(row, table)
    into = f"INSERT INTO {quoted(row._meta.db_table)} ({', '.join(quoted(field.column) for field in fields)}) VALUES "
    one, several, count = f"({', '.join(['%s'] * len(fields))})", max(1, MOST_VALUES // len(fields)), 0
    rows = iter(rows)
    with connection.cursor() as cursor:
        while block := list(islice(rows, several)):
            cursor.execute(into + ", ".join([one] * len(block)), [value for values in block for value in values])
            count += len(block)
    return count
