"""The one place where a job ends in FAILED; the listeners of the registry hear of it, and of successes."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs.models import Job
from jobs.registry import END_LISTENERS, FAILURE_LISTENERS, EndListener


def fail(job_id: int, rows: QuerySet[Job], error: str, **fields: Any) -> bool:
    """End the job in FAILED if it is one of `rows`, and tell the listeners. False: it is not, so nothing changed.

    rows: the jobs that the caller may end, so that two callers cannot end one job twice.
    error: the sentence to show; fields: further columns to write.
    """
    values = {"finished_at": timezone.now(), **fields}
    failed = rows.filter(pk=job_id).update(state=Job.State.FAILED, error=error, **values)
    if failed:
        for listener in [*FAILURE_LISTENERS.values(), *END_LISTENERS.values()]:
            _tell_after_commit(listener, job_id, Job.State.FAILED)
    return bool(failed)


def tell_success(job_id: int) -> None:
    """Tell the end listeners of a job that has succeeded, after the commit."""
    for listener in END_LISTENERS.values():
        _tell_after_commit(listener, job_id, Job.State.SUCCEEDED)


def _tell_after_commit(listener: EndListener, job_id: int, state: Job.State) -> None:
    def tell() -> None:  # no partial: Django names the function when it logs what a listener raises
        job = Job.objects.filter(pk=job_id, state=state).first()
        if job is not None:  # nobody has retried or deleted it in the meantime
            listener(job)

    transaction.on_commit(tell, robust=True)
