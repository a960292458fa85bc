"""Rows and jobs that use a data set or its pictures, which therefore cannot be deleted.

Apps above register theirs in `AppConfig.ready()`.
"""

from collections.abc import Callable, Collection

from django.db.models import Q

from jobs.models import Job
from retrieval.models import Dataset

Uses = Callable[[Dataset, Collection[int] | None], list[str]]
"""Called with a data set, and the ids of pictures if only those are to be deleted; returns a phrase per use."""

_USES: dict[str, Uses] = {}


def register(name: str, uses: Uses) -> None:
    """Register a function that returns further uses."""
    _USES[name] = uses


def uses_of(dataset: Dataset, *, but_job: int | None = None) -> list[str]:
    """Return a phrase for each use of a data set, except by the job `but_job`."""
    phrases = [f"experiment {name}" for name in dataset.experiments.values_list("name", flat=True)]
    phrases += [f"model {name}" for name in dataset.models.values_list("name", flat=True)]
    indexes = list(dataset.indexes.values_list("pk", flat=True))
    concerned = Q(payload__dataset=dataset.pk) | Q(payload__index__in=indexes)
    active = Job.objects.filter(concerned, state__in=Job.ACTIVE).exclude(pk=but_job or 0)  # no job has key 0
    phrases += [f"job {job.pk} ({job.kind}), which is {job.state}" for job in active.exclude(kind="delete-dataset")]
    return phrases + _registered(dataset, None)


def uses_of_pictures(dataset: Dataset, pictures: Collection[int]) -> list[str]:
    """Return a phrase for each use of one of the pictures."""
    return _registered(dataset, pictures)


def _registered(dataset: Dataset, pictures: Collection[int] | None) -> list[str]:
    return [phrase for uses in _USES.values() for phrase in uses(dataset, pictures)]
