"""The sweeper: every few seconds it requeues jobs whose worker or message was lost, and fails those without tries."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, QuerySet

from jobs import failures, scratch
from jobs.models import IdempotentRequest, Job
from jobs.registry import SWEEPS
from jobs.services import send

logger = logging.getLogger(__name__)

RESEND_AT_ONCE = 10  # jobs a queue: a broker that lost all is refilled as fast as workers empty it
RESEND_AT_MOST_EVERY = timedelta(minutes=10)  # the longer a job waits its turn, the rarer it is sent again
KEEP_KEYS = timedelta(days=7)  # nobody sends a request again so late
KEEP_SCRATCH_SECONDS = 7 * 24 * 3600  # of a failed or cancelled job, for whoever retries it


def sweep(now: datetime) -> None:
    """Repair what workers and brokers lost. Safe to run by several processes at once. now: of the database's clock."""
    take_back(now)
    resend(now)
    IdempotentRequest.objects.filter(created_at__lt=now - KEEP_KEYS).delete()
    active = set(Job.objects.filter(state__in=Job.ACTIVE).values_list("pk", flat=True))
    scratch.remove_older_than(KEEP_SCRATCH_SECONDS, active=active)
    for of_an_app in SWEEPS.values():
        of_an_app(now)


def silent_jobs(now: datetime) -> QuerySet[Job]:
    """Return the running jobs whose heartbeat stopped."""
    limit = now - timedelta(seconds=settings.JOB_STALE_SECONDS)
    return Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=limit)


def take_back(now: datetime) -> None:
    """Take running jobs whose heartbeat stopped from their workers."""
    silent = silent_jobs(now)
    for job in silent:
        row = silent.filter(pk=job.pk, attempt=job.attempt)
        if job.cancel_asked:
            row.update(state=Job.State.CANCELLED, finished_at=now)
        elif job.tries < job.max_attempts:
            logger.warning("job %s: the worker of attempt %s is silent, queued again", job.pk, job.attempt)
            row.update(state=Job.State.QUEUED, sent_at=None, heartbeat_at=None)
        else:
            logger.error("job %s: given up after %s silent workers", job.pk, job.tries)
            failures.fail(job.pk, row, _given_up(job), finished_at=now)


def give_back_all(now: datetime) -> None:
    """Queue every running job again without counting its attempt, in a database whose workers are not there."""
    running = Job.objects.filter(state=Job.State.RUNNING)
    running.filter(cancel_asked=True).update(state=Job.State.CANCELLED, finished_at=now)
    running.update(state=Job.State.QUEUED, tries=F("tries") - 1, heartbeat_at=None)
    Job.objects.filter(state=Job.State.QUEUED).update(sent_at=None)


def _given_up(job: Job) -> str:
    times = "once" if job.tries == 1 else f"{job.tries} times"
    return (
        f"the worker died or stopped answering {times}, last in phase {job.phase or 'start'!r}; "
        "perhaps it ran out of memory. Fix the cause, then retry."
    )


def resend(now: datetime) -> None:
    """Send queued jobs again whose message seems lost: the longest-waiting of each queue."""
    for queue in Job.Queue.values:
        waiting = Job.objects.filter(state=Job.State.QUEUED, queue=queue).order_by("created_at", "pk")
        for job in waiting[:RESEND_AT_ONCE]:
            due = job.sent_at is None or now - job.sent_at > _patience(job, job.sent_at)
            if due and not send(job):
                return  # the others would only wait for the same broker


def _patience(job: Job, sent_at: datetime) -> timedelta:
    """Return how long a message may be on its way: it doubles, as the job may just wait its turn."""
    first = timedelta(seconds=settings.JOB_RESEND_SECONDS)
    return max(first, min(sent_at - job.created_at, RESEND_AT_MOST_EVERY))
