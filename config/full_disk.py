"""How a full disk shows itself: to whoever writes a file, and to the database."""

import errno

from django.db import OperationalError

FULL = (errno.ENOSPC, errno.EDQUOT)
DATABASES_SAY = ("disk is full", "No space left on device")


def is_disk_full(error: BaseException | None) -> bool:
    """Say whether an error, or what it came of, is that the disk is full."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if isinstance(error, OperationalError) and any(words in str(error) for words in DATABASES_SAY):
            return True
        error = error.__cause__ or error.__context__
    return False
