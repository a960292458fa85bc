"""Runs, found by how far they are."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from jobs.models import Job
from retrieval.models import Run


def every_run() -> QuerySet[Run]:
    """Return every run with what is shown of it."""
    return Run.objects.select_related("experiment__dataset", "job", "model")


def runs_in(runs: QuerySet[Run], states: Collection[str]) -> QuerySet[Run]:
    """Return those of the runs whose `state` is one of these."""
    measured, of_job = Q(metrics__isnull=False), Q(metrics__isnull=True, job__state__in=states)
    wanted = of_job | measured if Job.State.SUCCEEDED in states else of_job
    return runs.filter(wanted | Q(metrics__isnull=True, job=None) if Job.State.CANCELLED in states else wanted)
