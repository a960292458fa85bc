"""Several calls at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

PATIENCE = 30  # seconds until a thread that never comes fails the test


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Return what each call gave, or the exception that it raised; none begins before all are there."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()  # connecting takes longer than the race
            barrier.wait(PATIENCE)
            return call()
        except Exception as error:  # noqa: BLE001  # told to the test
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
