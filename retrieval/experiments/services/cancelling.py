"""Cancellation of experiments: all their queued and running jobs."""

from collections.abc import Iterator

from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Conflict
from jobs import services as jobs
from jobs.errors import JobRefused
from jobs.models import Job
from retrieval.models import Experiment


@transaction.atomic
def cancel_experiment(experiment: Experiment, *, by: User | None) -> int:
    """Cancel every queued or running job of the runs and tunings; return how many those were.

    Finished runs stay. Indexes of their models are still built: they belong to the models.

    Raises:
        Conflict: no job of it is queued or running.
    """
    cancelled = 0
    for job in _active_jobs(experiment):
        try:
            jobs.request_cancel(job, by=by)
        except JobRefused:  # it has ended since we looked
            continue
        cancelled += 1
    if not cancelled:
        raise Conflict(f"{experiment.name} has no queued or running jobs, so there is nothing to cancel")
    audit.record(by, "cancel-experiment", experiment.name, experiment=experiment.pk, jobs=cancelled)
    return cancelled


def _active_jobs(experiment: Experiment) -> Iterator[Job]:
    """Yield the jobs; tunings first, because each adds runs when it ends."""
    for rows in (experiment.tunings, experiment.runs):
        for row in rows.filter(job__state__in=Job.ACTIVE).select_related("job"):
            if row.job is not None:
                yield row.job
