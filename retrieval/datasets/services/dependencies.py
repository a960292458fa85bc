"""What needs a data set, or pictures of it, so that they cannot be deleted.

Apps above say what of theirs does in `AppConfig.ready()`.
"""

from collections.abc import Callable, Collection

from django.db.models import Q

from jobs.models import Job
from retrieval.models import Dataset

Uses = Callable[[Dataset, Collection[int] | None], list[str]]
"""Called with a data set, and the keys of pictures where only those are to go: gives phrases for what needs them."""

_USES: dict[str, Uses] = {}


def register(name: str, uses: Uses) -> None:
    """Say that `uses` knows what else needs a data set or its pictures."""
    _USES[name] = uses


def uses_of(dataset: Dataset, *, but_job: int | None = None) -> list[str]:
    """Return a phrase for each thing that needs a data set; `but_job` is the one that asks."""
    found = [f"experiment {name}" for name in dataset.experiments.values_list("name", flat=True)]
    found += [f"model {name}" for name in dataset.models.values_list("name", flat=True)]
    indexes = list(dataset.indexes.values_list("pk", flat=True))
    concerned = Q(payload__dataset=dataset.pk) | Q(payload__index__in=indexes)
    active = Job.objects.filter(concerned, state__in=Job.ACTIVE).exclude(pk=but_job or 0)  # no job has key 0
    found += [f"job {job.pk} ({job.kind}), which is {job.state}" for job in active.exclude(kind="delete-dataset")]
    return found + _known(dataset, None)


def uses_of_pictures(dataset: Dataset, pictures: Collection[int]) -> list[str]:
    """Return a phrase for each thing that needs one of the pictures."""
    return _known(dataset, pictures)


def _known(dataset: Dataset, pictures: Collection[int] | None) -> list[str]:
    return [phrase for uses in _USES.values() for phrase in uses(dataset, pictures)]
