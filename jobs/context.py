"""The context of a running job: the attempt's lease and its cancellation."""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from jobs import failures, scratch
from jobs.errors import JobCancelled, JobInterrupted, JobLost, JobStopped
from jobs.models import Job
from jobs.patience import patiently

logger = logging.getLogger(__name__)

WRITE_EVERY = 0.5  # seconds between progress writes
LOOK_EVERY = 1.0  # seconds between looks at the row by should_stop()

_interrupted = threading.Event()  # set once, when this worker is told to shut down


def interrupt_running_jobs() -> None:
    """Ask the jobs of this process to stop and go back into the queue."""
    _interrupted.set()


def worker_is_stopping() -> bool:
    """Say whether this process was told to shut down."""
    return _interrupted.is_set()


class ReportedProgress(TypedDict, total=False):
    """Columns of the job that its handler reports."""

    phase: str
    done: int
    total: int
    phase_started_at: datetime
    message: str


class JobContext:
    """One attempt at a job. Every write is conditional on the attempt still being the running one."""

    def __init__(self, job: Job) -> None:
        self.job_id: int = job.pk
        self.attempt = job.attempt
        self.kind = job.kind
        self.payload: Mapping[str, object] = job.payload
        self.asked_by_id = job.asked_by_id
        self._latest: ReportedProgress = {}
        self._written_at = 0.0
        self._looked_at = time.monotonic()
        self._lost = False
        self._cancelled = False

    @property
    def scratch(self) -> Path:
        """An empty folder at first, this attempt's alone; removed when the job succeeds."""
        return scratch.fresh(self.job_id, self.attempt)

    def adopt_scratch(self) -> Path:
        """Return the scratch folder holding what the last attempt left, for work that resumes.

        Call it before `scratch`, which starts empty.
        """
        return scratch.adopted(self.job_id, self.attempt)

    def progress(self, phase: str, done: int, total: int = 0) -> None:
        """Report how far the work is; this is an mlcore Progress callback. Total 0 means unknown.

        Call it as often as you like: about two calls a second are written.

        Raises:
            JobLost, JobCancelled, JobInterrupted: stop now; let it pass.
        """
        new_phase = phase != self._latest.get("phase")
        self._latest |= {"phase": phase[:100], "done": max(0, int(done)), "total": max(0, int(total))}
        if new_phase:
            self._latest["phase_started_at"] = timezone.now()
        self._write(at_once=new_phase or done == total)

    def hear_progress(self, event: Mapping[str, Any]) -> None:
        """Report a progress event of a child process, as `progress` does; other events are ignored."""
        if event["event"] == "progress":
            self.progress(event["phase"], event["done"], event["total"])

    def say(self, message: str) -> None:
        """Show a sentence beside the progress.

        Raises:
            JobLost, JobCancelled, JobInterrupted: stop now; let it pass.
        """
        self._latest["message"] = message[:500]
        self._write(at_once=False)

    def should_stop(self) -> bool:
        """Say whether to stop at the next safe point; cheap enough to ask in a loop."""
        if time.monotonic() - self._looked_at > LOOK_EVERY:
            self.beat()
        return self.stop_reason() is not None

    def stop_reason(self) -> JobStopped | None:
        """Return why to stop, as far as is known without asking the database."""
        if self._lost:
            return JobLost(f"job {self.job_id}: attempt {self.attempt} is not the running one any more")
        if self._cancelled:
            return JobCancelled("cancelled")
        if worker_is_stopping():
            return JobInterrupted("the worker is being stopped")
        return None

    def check(self) -> None:
        """Raise the reason to stop, if there is one.

        Raises:
            JobLost, JobCancelled, JobInterrupted: stop now; let it pass.
        """
        reason = self.stop_reason()
        if reason is not None:
            raise reason

    def beat(self, **fields: Any) -> None:
        """Show that this attempt is alive, and learn whether it should be.

        A database that is away for a moment must not end hours of training: it is asked again.
        """
        self._looked_at = time.monotonic()
        try:
            self._lost = not self._row().update(heartbeat_at=Now(), **fields)
            self._cancelled = self._row().filter(cancel_asked=True).exists()
        except DatabaseError as error:
            logger.warning("job %s: heartbeat not written: %s", self.job_id, error)
            if not connection.in_atomic_block:  # a handler's own transaction must see the error itself
                connection.close_if_unusable_or_obsolete()

    def finish(self, result: Mapping[str, object] | None) -> bool:
        """Record success. False: the attempt was lost, and its result does not count."""
        finished = self._settle(Job.State.SUCCEEDED, result=result, error="")
        if finished:
            failures.tell_success(self.job_id)
        return finished

    def fail(self, error: str, *, refused_input: bool = False) -> bool:
        """Record failure with the sentence to show. False: the attempt was lost.

        refused_input: the same input fails again, so a retry does not help.
        """
        return patiently(
            lambda: failures.fail(self.job_id, self._row(), error, **self._latest, refused_input=refused_input)
        )

    def cancel(self) -> bool:
        """Record that the work was cancelled. False: the attempt was lost."""
        return self._settle(Job.State.CANCELLED)

    def give_back(self) -> bool:
        """Queue the job again without counting this attempt. False: the attempt was lost."""
        return self._queue_again(self._row(), tries=F("tries") - 1, sent_at=None)

    def put_off(self) -> bool:
        """Queue the job again a little later, this attempt being counted. False: no other is left, or it was lost."""
        return self._queue_again(
            self._row().filter(tries__lt=F("max_attempts")),
            sent_at=Now(),
            not_before=Now() + timedelta(seconds=settings.JOB_RESEND_SECONDS),
        )

    def _queue_again(self, row: QuerySet[Job], **fields: Any) -> bool:
        values = {**self._latest, **fields, "heartbeat_at": None}
        return bool(patiently(lambda: row.update(**values, state=Job.State.QUEUED)))

    def _settle(self, state: Job.State, **fields: Any) -> bool:
        values = {**self._latest, **fields, "finished_at": timezone.now()}
        return bool(patiently(lambda: self._row().update(**values, state=state)))

    def _write(self, *, at_once: bool) -> None:
        now = time.monotonic()
        if at_once or now - self._written_at >= WRITE_EVERY:
            self._written_at = now
            self.beat(**self._latest)
        self.check()

    def _row(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job_id, attempt=self.attempt, state=Job.State.RUNNING)
