"""What rows need beside what was copied, kept in a scratch database on disk: a million files need no memory."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from backups.services.files import PRIVATE, Copied, order_of
from retrieval.pages.services.storage.needed import NeededFile

TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE needed (path BLOB PRIMARY KEY, sha256 TEXT, bytes INTEGER, row TEXT) WITHOUT ROWID;
CREATE TABLE places (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE files (path BLOB PRIMARY KEY, bytes INTEGER, sha256 TEXT) WITHOUT ROWID;
"""
FAULTS = """
SELECT needed.path, needed.row, files.path IS NULL FROM needed LEFT JOIN files ON files.path = needed.path
WHERE substr(needed.path, -1) != X'2F' AND (files.path IS NULL OR needed.sha256 NOT IN ('', files.sha256)
    OR needed.bytes IS NOT NULL AND needed.bytes != files.bytes)
UNION ALL
SELECT needed.path, needed.row, 1 FROM needed WHERE substr(needed.path, -1) = X'2F' AND NOT EXISTS (
    SELECT 1 FROM files WHERE files.path > needed.path
    AND files.path < CAST(substr(needed.path, 1, length(needed.path) - 1) || X'30' AS BLOB))
ORDER BY 1 LIMIT ?
"""


class Ledger:
    """Needed files, the places to copy, and the files that were copied."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def clear(self) -> None:
        """Forget everything."""
        for table in ("needed", "places", "files"):
            self._database.execute(f"DELETE FROM {table}")

    def need(self, files: Iterable[NeededFile]) -> None:
        """Note what rows need; of two rows that need one file the last counts."""
        rows = ((order_of(file.path), file.sha256, file.bytes, _row_words(file)) for file in files)
        self._database.executemany("INSERT OR REPLACE INTO needed VALUES (?, ?, ?, ?)", rows)

    def own(self, places: Iterable[str]) -> None:
        """Note which places are to be copied."""
        self._database.executemany("INSERT OR IGNORE INTO places VALUES (?)", ((order_of(path),) for path in places))

    def places(self) -> Iterator[str]:
        """Yield the places to copy."""
        for (path,) in self._database.execute("SELECT path FROM places ORDER BY path"):
            yield os.fsdecode(path)

    def add(self, path: str, copied: Copied) -> None:
        """Note a file that was copied."""
        row = (order_of(path), copied.bytes, copied.sha256)
        self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", row)

    def holds(self, path: str) -> bool:
        """Say whether that file was copied."""
        return bool(self._database.execute("SELECT 1 FROM files WHERE path = ?", (order_of(path),)).fetchone())

    def files(self) -> Iterator[tuple[str, Copied]]:
        """Yield the files that were copied, in their order."""
        for path, size, sha256 in self._database.execute("SELECT path, bytes, sha256 FROM files ORDER BY path"):
            yield os.fsdecode(path), Copied(size, sha256)

    def faults(self, most: int) -> list[str]:
        """Return a line for each of the first needed files that is missing, or not what its row says."""
        return [
            f"{os.fsdecode(path)} of {row} is {'missing' if missing else 'not what the database says'}"
            for path, row, missing in self._database.execute(FAULTS, (most,))
        ]


def _row_words(file: NeededFile) -> str:
    return f"{file.row[0].lower()} {file.row[1]}"


@contextmanager
def opened_ledger(path: Path) -> Iterator[Ledger]:
    """Yield an empty ledger in a file that goes afterwards."""
    path.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            path.chmod(PRIVATE)
            database.executescript(TABLES)
            database.execute("BEGIN")
            yield Ledger(database)
    finally:
        path.unlink(missing_ok=True)
