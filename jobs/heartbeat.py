"""The heartbeat thread of a running attempt, which keeps its lease while the handler is busy."""

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from jobs.context import JobContext


@contextmanager
def beating(context: JobContext) -> Iterator[None]:
    """Beat every JOB_HEARTBEAT_SECONDS until the block ends."""
    done = threading.Event()
    name = f"heartbeat-{context.job_id}-{context.attempt}"
    run = contextvars.copy_context().run  # so its log records name the job
    thread = threading.Thread(target=run, args=(_beat_until, context, done), name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat_until(context: JobContext, done: threading.Event) -> None:
    try:
        while not done.wait(settings.JOB_HEARTBEAT_SECONDS):
            context.beat()
    finally:
        connection.close()  # each thread has a connection of its own, which nobody else closes
