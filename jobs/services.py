"""The state machine of jobs: submit, claim, run, cancel, retry; `jobs.sweeper` repairs it."""

import json
import logging
from collections.abc import Collection, Mapping
from functools import partial

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor, given_role, holds, is_curator, lacks_second_factor
from config.celery import app, broker_errors, queue_named
from config.errors import ServiceAway
from config.log_context import during_job
from config.machine import Machine, this_machine
from config.overload import is_away, is_disk_full
from config.schema import SchemaTooOldError, check_schema
from jobs import failures, registry, scratch
from jobs.children import ChildStopped
from jobs.context import JobContext, worker_is_stopping
from jobs.errors import (
    DISK_FULL,
    JobCancelled,
    JobFailed,
    JobInterrupted,
    JobLost,
    JobRefused,
    JobStopped,
    PassingFailure,
)
from jobs.heartbeat import beating
from jobs.models import Job
from jobs.registry import Link, find_kind
from mlcore.errors import MlcoreError, Stopped
from storage.copies import used_by_a_job

logger = logging.getLogger(__name__)

TEXT_LENGTH = 200  # of a text that jobs are searched by
CANDIDATES = 20  # jobs that other workers may take before this one does
SEND_AGAIN = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2}  # once: the connection may be an old one

FRESH: Mapping[str, object] = {
    "phase": "",
    "done": 0,
    "total": 0,
    "message": "",
    "error": "",
    "result": None,
    "finished_at": None,
    "phase_started_at": None,
    "refused_input": False,
    "not_before": None,
}


def submit(kind: str, payload: Mapping[str, object], *, by: User | None = None, key: str = "") -> Job:
    """Queue a job and return its row; the message leaves when the transaction commits.

    With a `key`, a job that has it and is queued or running is returned instead of a second one.

    Raises:
        UnknownJobKindError: no app registered that kind.
    """
    job_kind = find_kind(kind)
    active = Job.objects.filter(key=key, state__in=Job.ACTIVE) if key else Job.objects.none()
    job = active.first()
    if job is not None:
        return job
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                payload=dict(payload),
                owner=by,
                key=key,
                queue=job_kind.queue,
                max_attempts=job_kind.max_attempts,
            )
    except IntegrityError:  # another request submitted the same key since we looked
        job = active.first()
        if job is None:
            raise
        return job
    transaction.on_commit(partial(_send_first, job))
    return job


def _send_first(job: Job) -> None:
    """Send a job that was just queued; the record links it with the request that did so."""
    logger.info("job %s (%s) is queued", job.pk, job.kind, extra={"job_id": job.pk})
    send(job)


def send(job: Job) -> bool:
    """Hand the job's id to the broker. False: it is away, and the job waits for a sweep."""
    queue = queue_named(job.queue, settings.CELERY_QUEUE_PREFIX)
    try:
        app.send_task("jobs.run", [job.pk], queue=queue, retry=True, retry_policy=SEND_AGAIN)
    except broker_errors() as error:
        logger.warning("job %s not sent, the sweep will send it: %s", job.pk, error)
        return False
    Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(sent_at=Now())
    return True


def claim(job_id: int) -> JobContext | None:
    """Take a queued job for this process; None when somebody else has it or it is finished."""
    return _claimed(job_id, this_machine())  # found out before the transaction: it may take seconds


@transaction.atomic
def _claimed(job_id: int, machine: Machine) -> JobContext | None:
    claimed = Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(
        **FRESH,
        state=Job.State.RUNNING,
        attempt=F("attempt") + 1,
        tries=F("tries") + 1,
        ran_on=machine,
        started_at=timezone.now(),
        heartbeat_at=Now(),
    )
    return JobContext(Job.objects.get(pk=job_id)) if claimed else None


def run_job(job_id: int) -> None:
    """Do the job, if it is still to be done. A message delivered twice does it once."""
    if worker_is_stopping():
        return  # the row stays queued: another worker gets it from the sweep
    try:
        check_schema()
    except SchemaTooOldError as error:
        logger.error("job %s stays queued, and the sweep sends it again: %s", job_id, error)
        return
    context = claim(job_id)
    if context is None:
        logger.info("job %s is not queued: nothing to do", job_id)
        return
    _do(context)


def run_next(queues: Collection[str]) -> Job | None:
    """Do the job that waits longest in one of the queues, and return it as it ended; None where none waits.

    No message is needed: one that comes later finds nothing to do. A job that was put off waits for its sweep.
    """
    waiting = Job.objects.filter(state=Job.State.QUEUED, queue__in=queues).exclude(not_before__gt=Now())
    for job in waiting.order_by("created_at", "pk")[:CANDIDATES]:
        if worker_is_stopping():
            return None
        context = claim(job.pk)
        if context is not None:
            _do(context)
            job.refresh_from_db()
            return job
    return None


def _do(context: JobContext) -> None:
    with during_job(context.job_id, context.attempt):
        scratch.prune(context.job_id, keep=1)
        logger.info("job %s (%s): attempt %s begins", context.job_id, context.kind, context.attempt)
        with beating(context), used_by_a_job():
            _work(context)


def _work(context: JobContext) -> None:
    """Call the handler and record how it ended."""
    try:
        _require_role_still(context)
        result = find_kind(context.kind).run(context, context.payload)
        json.dumps(result, allow_nan=False)  # what the database would refuse is the handler's failure
    except (JobStopped, ChildStopped, Stopped) as stop:
        _settle_stopped(context, stop)
    except (JobFailed, JobRefused, MlcoreError) as error:
        _settle_failed(context, str(error), refused_input=_is_input_error(context, error))
    except ServiceAway as error:
        _put_off(context, str(error))
    except Exception as error:  # noqa: BLE001  # the one edge: a handler's bug must end its job, not the worker
        if is_away(error):
            _put_off(context, "the database does not answer")
        else:
            logger.exception("job %s (%s) failed", context.job_id, context.kind)
            _settle_failed(context, _sentence(error))
    else:
        if context.finish(result):
            logger.info("job %s (%s) succeeded", context.job_id, context.kind)
            scratch.prune(context.job_id, keep=0)


def _require_role_still(context: JobContext) -> None:
    """Fail a job whose starter has lost the role that it needs; jobs of the system need none."""
    starter = User.objects.filter(pk=context.asked_by_id).first() if context.asked_by_id else None
    least = find_kind(context.kind).least
    if starter is not None and not holds(starter, least):
        now = f"has the role {given_role(starter)} now" if starter.is_active else "is deactivated now"
        raise PassingFailure(f"only a {least} may start this job, and {starter} {now}; a {least} can retry it")


def _is_input_error(context: JobContext, error: Exception) -> bool:
    """Return whether a retry fails again: the error is known, and its input, an upload, does not change."""
    kind = registry.KINDS.get(context.kind)
    is_uploaded = bool(kind and kind.from_upload and kind.from_upload(context.payload))
    return is_uploaded and getattr(error, "is_lasting", True)


def _settle_failed(context: JobContext, sentence: str, *, refused_input: bool = False) -> None:
    if context.fail(sentence, refused_input=refused_input):
        logger.info("job %s (%s) failed: %s", context.job_id, context.kind, sentence)


def _put_off(context: JobContext, sentence: str) -> None:
    """Queue the job again for a service that is away, unless it was cancelled or has no try left."""
    logger.warning("job %s (%s) waits for a service: %s", context.job_id, context.kind, sentence)
    context.beat()
    if isinstance(context.stop_reason(), JobCancelled):
        context.cancel()
    elif not context.put_off():
        _settle_failed(context, sentence)


def _settle_stopped(context: JobContext, stop: Exception) -> None:
    """Record a stop by its reason, which the row may know better than the handler did."""
    context.beat()
    reason = stop if isinstance(stop, JobStopped) else context.stop_reason()
    logger.info("job %s (%s) stopped: %r", context.job_id, context.kind, reason or stop)
    match reason:
        case JobLost():
            return
        case JobCancelled():
            context.cancel()
        case JobInterrupted():
            context.give_back()
        case _:
            context.fail(f"the work stopped although nobody cancelled it: {stop}")


def _sentence(error: Exception) -> str:
    if is_disk_full(error):
        return DISK_FULL
    return f"unexpected error ({type(error).__name__}): {error}"


def links_of(job: Job) -> list[Link]:
    """Return links to the input and output of a job; none if its kind no longer exists."""
    kind = registry.KINDS.get(job.kind)
    return kind.leads(job.payload, job.result or {}) if kind and kind.leads else []


def next_steps_of(job: Job) -> list[Link]:
    """Return what a job's owner may do next, the most useful first; none while it is active."""
    kind = registry.KINDS.get(job.kind)
    return kind.next_steps(job) if kind and kind.next_steps and not job.is_active else []


def visible_jobs(user: Visitor) -> QuerySet[Job]:
    """Return the jobs this person may see: curators all, others their own."""
    if is_curator(user):
        return Job.objects.all()
    return Job.objects.filter(owner=user.pk) if user.is_authenticated else Job.objects.none()


def containing(text: str, *, hosts: bool = False) -> Q:
    """Return which jobs have a text in their title, owner, message or error, or in the name of what they work on.

    A whole number also finds the job of that number. hosts: also look at the name of the host, as curators may.
    """
    kinds = [name for name, kind in registry.KINDS.items() if text.casefold() in kind.title.casefold()]
    matches = Q(kind__in=kinds) | Q(kind__icontains=text) | Q(owner__display_name__icontains=text)
    matches |= Q(message__icontains=text) | Q(error__icontains=text)
    if hosts:
        matches |= Q(ran_on__host__icontains=text)
    if text.isdecimal() and len(text) <= settings.KEY_MAX_DIGITS:
        matches |= Q(pk=int(text))
    for find in registry.SUBJECTS.values():
        matches |= find(text)
    return matches


@transaction.atomic
def request_cancel(job: Job, *, by: User | None = None) -> None:
    """Cancel a queued job now, or ask the worker of a running one to stop. `by` None is the system.

    Raises:
        PermissionDenied: `by` is neither owner nor curator.
        JobRefused: the job has finished otherwise.
    """
    _require_right(job, by)
    row = Job.objects.filter(pk=job.pk)
    now = timezone.now()
    cancelled = row.filter(state=Job.State.QUEUED).update(state=Job.State.CANCELLED, finished_at=now)
    changed = cancelled or row.filter(state=Job.State.RUNNING).update(cancel_asked=True)
    job.refresh_from_db()
    if not changed and job.state != Job.State.CANCELLED:
        raise JobRefused(f"job {job.pk} has {job.state}; only a queued or running job can be cancelled")
    if changed:
        _note_curator(by, "cancel-job", job)


@transaction.atomic
def retry(job: Job, by: User | None = None) -> None:
    """Queue a failed or cancelled job again, with all its tries. `by` answers for it from then on; None is the system.

    Raises:
        PermissionDenied: `by` is neither owner nor curator, or lacks the role that such a job needs.
        JobRefused: the job has not failed, another active job does the same, or nothing does its kind any more.
    """
    _require_right(job, by)
    least = find_kind(job.kind).least
    if by is not None and (not holds(by, least) or lacks_second_factor(by)):
        raise PermissionDenied(f"only a {least} may start a job of kind {job.kind}")
    ended = Job.objects.filter(pk=job.pk, state__in=(Job.State.FAILED, Job.State.CANCELLED))
    try:
        with transaction.atomic():
            queued = ended.update(
                **FRESH,
                state=Job.State.QUEUED,
                retried_by=by,
                tries=0,
                cancel_asked=False,
                sent_at=None,
                heartbeat_at=None,
            )
    except IntegrityError:
        raise JobRefused(f"another active job does the same as job {job.pk}; wait for it") from None
    job.refresh_from_db()
    if not queued:
        raise JobRefused(f"job {job.pk} is {job.state}; only a failed or cancelled one can be retried")
    _note_curator(by, "retry-job", job)
    transaction.on_commit(partial(_send_first, job))


def _require_right(job: Job, by: User | None) -> None:
    if by is not None and not visible_jobs(by).filter(pk=job.pk).exists():
        raise PermissionDenied("only the owner of a job or a curator may change it")


def _note_curator(by: User | None, action: str, job: Job) -> None:
    """Put it in the audit trail, unless a member did it to a job of their own."""
    if by is not None and is_curator(by):
        audit.record(by, action, f"job {job.pk} ({job.kind})", job=job.pk)


def export_jobs(user: User) -> list[dict[str, object]]:
    """Return the jobs of `user` for the export of personal data."""
    jobs = Job.objects.filter(owner=user)
    return [
        {"kind": job.kind, "state": job.state, "created_at": job.created_at.isoformat(), "message": job.message}
        for job in jobs
    ]


def disown_jobs(user: User) -> None:
    """Remove `user` from the jobs, which may serve others. Queued jobs of a kind above the user's role fail."""
    kinds = [name for name, kind in registry.KINDS.items() if not holds(user, kind.least)]
    waiting = Job.objects.filter(Q(retried_by=user) | Q(owner=user, retried_by=None), state=Job.State.QUEUED)
    for job in waiting.filter(kind__in=kinds):
        failures.fail(job.pk, waiting, "the account that started this job lost its role and was deleted")
    Job.objects.filter(retried_by=user).update(retried_by=None)
    Job.objects.filter(owner=user).update(owner=None)
