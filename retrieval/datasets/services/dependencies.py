"""What uses a data set or its pictures, which therefore cannot be deleted, and what is deleted along with it.

Apps and subjects above register theirs in `AppConfig.ready()`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from jobs.models import Job
from retrieval.models import Dataset


@dataclass(frozen=True)
class Use:
    """A phrase that names what uses a data set, and the URL of its page, empty if it has none."""

    phrase: str
    url: str = ""

    def __str__(self) -> str:
        """Return the phrase."""
        return self.phrase


Uses = Callable[[Dataset, Collection[int] | None], list[str]]
"""Called with a data set, and the ids of pictures if only those are to be deleted; returns a phrase per use."""


@dataclass(frozen=True)
class Companions:
    """Rows of a subject above that are deleted with their data set.

    count: how many there are, by what they are called. uses: phrase and URL of what keeps them. delete: deletes the
    rows and returns the keys of the files to delete after the commit.
    """

    count: Callable[[Dataset], dict[str, int]]
    uses: Callable[[Dataset], list[tuple[str, str]]]
    delete: Callable[[Dataset], list[str]]


_USES: dict[str, Uses] = {}
_COMPANIONS: list[Companions] = []


def register(name: str, uses: Uses) -> None:
    """Register a function that returns further uses."""
    _USES[name] = uses


def register_companions(companions: Companions) -> None:
    """Register rows that are deleted with their data set."""
    if companions not in _COMPANIONS:
        _COMPANIONS.append(companions)


def uses_of(dataset: Dataset, *, but_job: int | None = None) -> list[Use]:
    """Return each use of a data set, except by the job `but_job` and by what is deleted along with it."""
    experiments = dataset.experiments.filter(archived_at=None)
    models = dataset.models.filter(archived_at=None).exclude(run__experiment__archived_at__isnull=False)
    uses = [Use(f"experiment {row.name}", reverse("experiment", args=[row.pk])) for row in experiments]
    uses += [Use(f"model {row.name}", reverse("model", args=[row.pk])) for row in models]
    indexes = list(dataset.indexes.values_list("pk", flat=True))
    concerned = Q(payload__dataset=dataset.pk) | Q(payload__index__in=indexes)
    active = Job.objects.filter(concerned, state__in=Job.ACTIVE).exclude(pk=but_job or 0)  # no job has key 0
    working = active.exclude(kind="delete-dataset")
    uses += [Use(f"job {job.pk} ({job.kind}), which is {job.state}", reverse("job", args=[job.pk])) for job in working]
    uses += [Use(phrase, url) for rows in _COMPANIONS for phrase, url in rows.uses(dataset)]
    return [*dict.fromkeys(uses), *map(Use, _registered(dataset, None))]


def uses_of_pictures(dataset: Dataset, pictures: Collection[int]) -> list[str]:
    """Return a phrase for each use of one of the pictures."""
    return _registered(dataset, pictures)


def companions_of(dataset: Dataset) -> dict[str, int]:
    """Return how many rows of each kind are deleted along with a data set, by what they are called."""
    counts = [rows.count(dataset) for rows in _COMPANIONS]
    return {name: number for count in counts for name, number in count.items() if number}


def delete_companions(dataset: Dataset) -> list[str]:
    """Delete the rows that go along; return their files, to be deleted after the commit."""
    return [file for rows in _COMPANIONS for file in rows.delete(dataset)]


def _registered(dataset: Dataset, pictures: Collection[int] | None) -> list[str]:
    return [phrase for uses in _USES.values() for phrase in uses(dataset, pictures)]
