"""The one place where a job ends in FAILED. Every failure listener of the registry hears of it, after the commit."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs.models import Job
from jobs.registry import FAILURE_LISTENERS, FailureListener


def fail(job_id: int, rows: QuerySet[Job], error: str, **fields: Any) -> bool:
    """End the job in FAILED if it is one of `rows`, and tell the listeners. False: it is not, so nothing changed.

    rows: the jobs that the caller may end, so that two callers cannot end one job twice.
    error: the sentence to show; fields: further columns to write.
    """
    values = {"finished_at": timezone.now(), **fields}
    failed = rows.filter(pk=job_id).update(state=Job.State.FAILED, error=error, **values)
    if failed:
        for listener in FAILURE_LISTENERS.values():
            _tell_after_commit(listener, job_id)
    return bool(failed)


def _tell_after_commit(listener: FailureListener, job_id: int) -> None:
    def tell() -> None:  # no partial: Django names the function when it logs what a listener raises
        job = Job.objects.filter(pk=job_id, state=Job.State.FAILED).first()
        if job is not None:  # nobody has retried or deleted it in the meantime
            listener(job)

    transaction.on_commit(tell, robust=True)
