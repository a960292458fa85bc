"""A database that has no time or no place for a request right now, told from one that is broken."""

from django.db import OperationalError

RETRY_AFTER = 5  # seconds; by then whoever holds the lock has usually finished
# PostgreSQL's names: too many connections, starting or stopping, a deadlock, a lock that was not had in time.
BUSY_CODES = frozenset({"53300", "57P03", "40P01", "40001", "55P03"})
# SQLite's sentences, and those with which PostgreSQL turns a connection away before there is a code.
BUSY_SENTENCES = ("database is locked", "database table is locked", "too many clients", "remaining connection slots")


def is_busy(error: OperationalError) -> bool:
    """Say whether the same request may succeed in a moment."""
    code = getattr(error.__cause__, "pgcode", None)
    return code in BUSY_CODES or any(sentence in str(error) for sentence in BUSY_SENTENCES)
