"""Errors of an overloaded site: full storage, and a database that is busy or away rather than broken."""

import errno

from django.db import InterfaceError, OperationalError

FULL = (errno.ENOSPC, errno.EDQUOT)
DATABASES_SAY = ("disk is full", "No space left on device")

RETRY_AFTER = 5  # seconds; a lock is usually released by then
# PostgreSQL's names: too many connections, starting or stopping, a deadlock, a lock timeout.
BUSY_CODES = frozenset({"53300", "57P03", "40P01", "40001", "55P03"})
# Messages of SQLite, and of PostgreSQL when it refuses a connection without a code.
BUSY_SENTENCES = ("database is locked", "database table is locked", "too many clients", "remaining connection slots")
# PostgreSQL's names: ended by an administrator or by a crash; its class 08 is broken connections.
AWAY_CODES = frozenset({"57P01", "57P02", "57P05"})
# Messages of its client, which have no code.
AWAY_SENTENCES = (
    "connection to server",
    "could not translate host name",
    "server closed the connection",
    "connection already closed",
    "connection has been closed",
    "could not receive data from server",
    "could not send data to server",
)


def is_disk_full(error: BaseException | None) -> bool:
    """Say whether an error, or its cause, is full storage. A library may make an error its own cause."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if isinstance(error, OperationalError) and any(words in str(error) for words in DATABASES_SAY):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_busy(error: OperationalError) -> bool:
    """Say whether the same request may succeed in a moment."""
    code = getattr(error.__cause__, "pgcode", None)
    return code in BUSY_CODES or any(sentence in str(error) for sentence in BUSY_SENTENCES)


def is_away(error: BaseException) -> bool:
    """Say whether it is the database that does not answer, or has just ended the connection."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.__cause__, "pgcode", None) or ""
    return code in AWAY_CODES or code.startswith("08") or any(sentence in str(error) for sentence in AWAY_SENTENCES)
