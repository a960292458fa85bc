"""Checks of jobs and processes: do workers take jobs, does beat look after them, and what failed?"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from jobs.models import Job
from jobs.sweeper import silent_jobs
from operations.models import Process
from operations.services import processes
from operations.services.doctor.findings import Check, Finding, failure, ok, warning

SOON, LONG = timedelta(minutes=1), timedelta(minutes=10)
"""That a job may wait where no worker hears its queue, and where one does but runs nothing."""
SWEEPS = 2  # that beat may miss
START_BEAT = "Start beat, once for the whole site: `celery -A config beat`. Its log says why it ends."


def queues() -> Iterator[Finding]:
    """Look for jobs that wait though their queue runs none."""
    now, faults = timezone.now(), 0
    heard = {queue for worker in processes.running(now).filter(role=Process.Role.WORKER) for queue in worker.queues}
    for queue in Job.Queue.values:
        waiting = Job.objects.filter(state=Job.State.QUEUED, queue=queue).order_by("created_at")
        first = waiting.first()
        patience = LONG if queue in heard else SOON
        is_busy = Job.objects.filter(state=Job.State.RUNNING, queue=queue).exists()
        if first is None or is_busy or first.created_at > now - patience:
            continue
        faults += 1
        yield _unheard(queue, waiting.count(), f"{first.created_at:%Y-%m-%d %H:%M}", has_worker=queue in heard)
    if not faults:
        yield ok("No job waits in vain.")


def _unheard(queue: str, count: int, since: str, *, has_worker: bool) -> Finding:
    jobs = "1 job waits" if count == 1 else f"{count} jobs wait"
    seen = f"{jobs} in the queue {queue} since {since} UTC, and "
    if has_worker:
        do = "Restart the workers of that queue. All processes need the same CELERY_BROKER_URL and CELERY_QUEUE_PREFIX."
        return failure(f"{seen}its workers run nothing.", do)
    return failure(f"{seen}no worker hears it.", f"Start one: `python manage.py worker --queues {queue}`.")


def heartbeats() -> Iterator[Finding]:
    """Look for running jobs whose workers are silent."""
    silent = silent_jobs(timezone.now())
    for job in silent:
        seen = f"Job {job.pk} ({job.title}) runs, but its worker is silent."
        do = f"Start a worker: `python manage.py worker --queues {job.queue}`. Beat gives the job to it."
        yield failure(seen, do)
    if not silent:
        yield ok("The worker of every running job is alive.")


def present() -> Iterator[Finding]:
    """Look for processes that died, and for those of another release than others."""
    now, faults = timezone.now(), 0
    for process in processes.silent(now).exclude(role=Process.Role.BEAT):  # `beat` tells of that one
        faults += 1
        seen = f"The process {process} was last seen at {process.seen_at:%Y-%m-%d %H:%M} UTC and did not end in order."
        yield warning(seen, "Look at its log, and at `dmesg` for lack of memory. Start it again if nothing did.")
    running = processes.running(now)
    releases = {process.release for process in running}
    if len(releases) > 1:
        faults += 1
        seen = f"The processes are of several releases: {', '.join(sorted(releases))}."
        yield warning(seen, "Restart all of them with the newest one.")
    if not faults:
        counts = Counter(process.role for process in running)
        told = ", ".join(f"{count} {role}" for role, count in sorted(counts.items()))
        yield ok(f"Processes that run: {told or 'none'}.")


def beat() -> Iterator[Finding]:
    """Look for beat, which notes each round: it takes jobs back, sends them again, and tidies up."""
    now = timezone.now()
    limit = now - processes.SILENT - timedelta(seconds=SWEEPS * settings.JOB_SWEEP_SECONDS)
    others = processes.running(now).exclude(role=Process.Role.BEAT)
    if Process.objects.filter(role=Process.Role.BEAT, seen_at__gte=limit).exists():
        yield ok("Beat runs.")
    elif others.exists() or Job.objects.filter(state__in=Job.ACTIVE).exists():
        yield failure(
            "Beat does not run: jobs of workers that die stay where they are, as do lost messages.", START_BEAT
        )
    else:
        yield ok("Nothing runs that needs beat.")


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
    Check("processes", "work", present, NEEDS),
    Check("beat", "work", beat, NEEDS),
    Check("failures", "work", failures, NEEDS),
)
