"""Checks of jobs: do workers take them, does beat look after them, and what failed?"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from jobs.models import IdempotentRequest, Job
from jobs.sweeper import KEEP_KEYS, RESEND_AT_MOST_EVERY, RESEND_AT_ONCE
from operations.services.doctor.findings import Check, Finding, failure, ok, warning

PATIENCE = timedelta(minutes=10)
"""That a job may wait in a queue where none runs."""
LATE_SWEEPS = 6
"""Rounds of beat after which what it should have done is late."""
START_WORKER = "Start a worker, as the Procfile does: `honcho start`. Its log says why it ends."
START_BEAT = "Start beat, once for the whole site: `celery -A config beat`. Its log says why it ends."


def queues() -> Iterator[Finding]:
    """Look for jobs that wait long while their queue runs none."""
    limit, faults = timezone.now() - PATIENCE, 0
    for queue in Job.Queue.values:
        waiting = Job.objects.filter(state=Job.State.QUEUED, queue=queue, created_at__lt=limit).order_by("created_at")
        first = waiting.first()
        if first is None or Job.objects.filter(state=Job.State.RUNNING, queue=queue).exists():
            continue
        faults += 1
        since = f"{first.created_at:%Y-%m-%d %H:%M} UTC"
        seen = f"{waiting.count()} jobs wait in the queue {queue}, the first since {since}, and none runs."
        yield failure(seen, START_WORKER)
    if not faults:
        yield ok("No queue waits for a worker.")


def heartbeats() -> Iterator[Finding]:
    """Look for running jobs whose workers are silent."""
    silent = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=_stale_since())
    for job in silent:
        seen = f"Job {job.pk} ({job.title}) runs, but its worker is silent."
        yield failure(seen, f"{START_WORKER} Beat gives the job to another one.")
    if not silent:
        yield ok("The worker of every running job is alive.")


def beat() -> Iterator[Finding]:
    """Look for what beat should have done: it takes jobs back, sends them again, and deletes old keys."""
    signs = [*_not_taken_back(), *_not_sent(), *_not_deleted()]
    if signs:
        yield failure(f"Beat does not run: {'; '.join(signs)}.", START_BEAT)
    else:
        yield ok("Nothing that beat looks after is late.")


def _late() -> timedelta:
    return timedelta(seconds=LATE_SWEEPS * settings.JOB_SWEEP_SECONDS)


def _stale_since() -> datetime:
    return timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS)


def _not_taken_back() -> Iterator[str]:
    silent = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=_stale_since() - _late())
    if job := silent.first():
        yield f"job {job.pk} was not taken from its silent worker"


def _not_sent() -> Iterator[str]:
    now = timezone.now()
    sent_by = now - _late() - max(RESEND_AT_MOST_EVERY, timedelta(seconds=settings.JOB_RESEND_SECONDS))
    for queue in Job.Queue.values:
        waiting = Job.objects.filter(state=Job.State.QUEUED, queue=queue).order_by("created_at", "pk")
        for job in waiting[:RESEND_AT_ONCE]:
            never = job.sent_at is None and job.attempt == 0 and job.created_at < now - _late()
            if never or (job.sent_at is not None and job.sent_at < sent_by):
                yield f"job {job.pk} was not sent to the queue {queue}{'' if never else ' again'}"
                return


def _not_deleted() -> Iterator[str]:
    if IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEEP_KEYS - timedelta(hours=1)).exists():
        yield f"requests older than {KEEP_KEYS.days} days were not forgotten"


def failures() -> Iterator[Finding]:
    """Count the jobs that failed in the last day."""
    failed = Job.objects.filter(state=Job.State.FAILED, finished_at__gt=timezone.now() - timedelta(days=1))
    errors = Counter((job.title, job.error.strip().splitlines()[0][:120]) for job in failed if job.error.strip())
    if not failed:
        yield ok("No job failed in the last day.")
        return
    often = ""
    if errors:
        (title, error), count = errors.most_common(1)[0]
        often = f" Most often ({count}): {title}: {error.rstrip('.')}."
    jobs = "1 job" if len(failed) == 1 else f"{len(failed)} jobs"
    yield warning(f"{jobs} failed in the last day.{often}", "Read the whole error on the page Jobs, then retry there.")


NEEDS = ("migrations",)
CHECKS = (
    Check("queues", "work", queues, NEEDS),
    Check("heartbeats", "work", heartbeats, NEEDS),
    Check("beat", "work", beat, ("migrations", "broker")),
    Check("failures", "work", failures, NEEDS),
)
