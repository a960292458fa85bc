"""Writes of a running job that outlive a restart of the database: hours of work must not end with it."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from config.overload import is_away

logger = logging.getLogger(__name__)

T = TypeVar("T")
SECONDS = 300.0  # that a database may be away
PAUSE = 1.0


def patiently(write: Callable[[], T]) -> T:
    """Return what a write to the database gives; while the database is away it is tried again.

    Within a transaction it is tried once: what the transaction did before is lost.
    """
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or not is_away(error) or time.monotonic() > deadline:
                raise
            logger.warning("the database does not answer, the job waits for it: %s", error)
            connection.close_if_unusable_or_obsolete()
            time.sleep(PAUSE)
