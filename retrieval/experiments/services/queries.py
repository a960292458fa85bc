"""Queries of experiments and runs, with the rows that are shown of them."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from jobs.models import Job
from retrieval.models import Experiment, Run


def every_experiment() -> QuerySet[Experiment]:
    """Return all experiments with the rows that their pages show."""
    return Experiment.objects.select_related("dataset").prefetch_related("runs__job", "runs__model", "tunings__job")


def every_run() -> QuerySet[Run]:
    """Return all runs with the rows that their pages show."""
    return Run.objects.select_related("experiment__dataset", "job", "model")


def runs_in(runs: QuerySet[Run], states: Collection[str]) -> QuerySet[Run]:
    """Return the runs whose `state` is one of these."""
    measured, of_job = Q(metrics__isnull=False), Q(metrics__isnull=True, job__state__in=states)
    wanted = of_job | measured if Job.State.SUCCEEDED in states else of_job
    return runs.filter(wanted | Q(metrics__isnull=True, job=None) if Job.State.CANCELLED in states else wanted)
