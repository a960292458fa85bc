"""Which processes run the site: each notes from time to time that it is there, so that silent ones can be told."""

import logging
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from multiprocessing.util import Finalize

from django.db import Error, connection
from django.db.models import QuerySet
from django.utils import timezone

from config.machine import this_machine
from jobs.database_time import database_now
from operations.models import Process
from retrieval.search.services import model_cache

logger = logging.getLogger(__name__)

NOTE_SECONDS = 15.0
SILENT = timedelta(seconds=4 * NOTE_SECONDS)
"""After which a process that has noted nothing is taken for gone."""
KEPT = timedelta(days=1)
"""That a silent process stays in the table, so that people see what died."""


class Presence:
    """The row of one process. A database that is away is no reason for a process to end."""

    def __init__(self, role: str, queues: Sequence[str] = ()) -> None:
        machine, now = this_machine(), timezone.now()  # the first note has the database's time
        self._lock, self._has_ended = threading.Lock(), False
        self._row = Process(
            role=role, queues=list(queues), pid=os.getpid(), host=machine["host"], device=machine["device"],
            versions=machine["versions"], started_at=now, seen_at=now,
        )  # fmt: skip

    def note(self) -> None:
        """Note that the process is there; its row is made anew if it was removed."""
        with self._lock:
            if self._has_ended:
                return
            self._row.engine_bytes = model_cache.cache.resident_bytes
            try:
                self._row.seen_at = database_now()
                self._row.save()
            except Error as error:
                logger.warning("%s could not be noted: %s", self._row, error)
                connection.close_if_unusable_or_obsolete()

    def end(self) -> None:
        """Remove the row of a process that ends as it should."""
        with self._lock, suppress(Error):
            self._has_ended = True
            if self._row.pk is not None:
                self._row.delete()


def begin(sender: str, queues: Sequence[str], **signal: object) -> threading.Thread:
    """Note the presence of this process in a thread of its own, until it ends; hears `config.processes.started`."""
    thread = threading.Thread(target=_note_until_end, args=(sender, queues), name="presence", daemon=True)
    thread.start()
    return thread


def begin_beat(**signal: object) -> None:
    """Note the presence of beat; hears Celery's signal."""
    begin(Process.Role.BEAT, ())


def _note_until_end(role: str, queues: Sequence[str]) -> None:
    presence = Presence(role, queues)
    Finalize(None, presence.end, exitpriority=1)  # also where a web process is a child of its server
    while True:
        presence.note()
        connection.close()  # between two notes nobody needs it
        time.sleep(NOTE_SECONDS)


def sweep(now: datetime) -> None:
    """Forget processes that were silent for a day."""
    Process.objects.filter(seen_at__lt=now - KEPT).delete()


def running(now: datetime) -> QuerySet[Process]:
    """Return the processes that were there a moment ago."""
    return Process.objects.filter(seen_at__gte=now - SILENT)


def silent(now: datetime) -> QuerySet[Process]:
    """Return the processes that ended without saying so, or cannot reach the database, within the last day."""
    return Process.objects.filter(seen_at__lt=now - SILENT)
