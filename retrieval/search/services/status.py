"""Why there may be nothing to see yet, and what is behind."""

from collections.abc import Iterable
from typing import Any

from jobs.models import Job
from retrieval.models import Dataset, Index

MAKING = {"import": "pictures are being imported", "train": "a model learns", "index": "an index is being built"}


def jobs_under_way() -> list[dict[str, Any]]:
    """Return the work that will make something searchable, oldest first: what it does, and how far it is.

    percent is None while it waits or cannot tell.
    """
    jobs = Job.objects.filter(kind__in=MAKING, state__in=Job.ACTIVE).order_by("pk")
    return [
        {
            "says": MAKING[job.kind],
            "waits": job.state == Job.State.QUEUED,
            "percent": 100 * job.done // job.total if job.total else None,
        }
        for job in jobs
    ]


def outdated(indexes: Iterable[Index]) -> list[Index]:
    """Return which indexes are older than their data set: what was added or relabelled since is not found."""
    return [index for index in indexes if index.revision < index.dataset.revision]


def unanswered(datasets: Iterable[Dataset], indexes: Iterable[Index]) -> list[str]:
    """Return the names of the data sets of which none of these is an index."""
    covered = {index.dataset_id for index in indexes}
    return [dataset.name for dataset in datasets if dataset.pk not in covered]
