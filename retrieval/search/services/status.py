"""Jobs in progress and outdated indexes, for the search page."""

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.models import Job
from retrieval.models import Dataset, Index

TEXTS = {"import": "importing pictures", "train": "training a model", "index": "building an index"}


@dataclass(frozen=True, slots=True)
class JobInProgress:
    """A job that will make something searchable; percent is None while it waits or cannot say."""

    text: str
    is_queued: bool
    percent: int | None


def jobs_in_progress() -> list[JobInProgress]:
    """Return the jobs that will make something searchable, oldest first."""
    jobs = Job.objects.filter(kind__in=TEXTS, state__in=Job.ACTIVE).order_by("pk")
    return [
        JobInProgress(
            TEXTS[job.kind], job.state == Job.State.QUEUED, 100 * job.done // job.total if job.total else None
        )
        for job in jobs
    ]


def outdated(indexes: Iterable[Index]) -> list[Index]:
    """Return the indexes older than their data sets: they find nothing that was added or relabelled since."""
    return [index for index in indexes if index.revision < index.dataset.revision]


def missing_datasets(datasets: Iterable[Dataset], indexes: Iterable[Index]) -> tuple[str, ...]:
    """Return the names of the data sets of which none of these is an index."""
    indexed = {index.dataset_id for index in indexes}
    return tuple(dataset.name for dataset in datasets if dataset.pk not in indexed)
