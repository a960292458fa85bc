"""What keeps a backup or a restore from going on; every message can be shown."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error
from redis import RedisError

from storage.errors import StorageAway


class BackupError(Exception):
    """A sentence that says what is wrong and what to do."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the errors of disks and databases into a sentence that begins with `what`."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise BackupError(f"{what}: {error.strerror or error}{where}") from error
    except (Error, sqlite3.Error, RedisError, StorageAway) as error:
        raise BackupError(f"{what}: {' '.join(str(error).split())}") from error
