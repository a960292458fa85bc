"""Deletion of an unused data set: its rows in one transaction, then its files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts import audit
from accounts.models import User
from config.errors import Conflict
from jobs import notices
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from retrieval.datasets.services.dependencies import delete_companions, uses_of
from retrieval.datasets.services.pictures import RENDITIONS, rendition_key
from retrieval.datasets.services.sources import forget_upload
from retrieval.datasets.services.visibility import DELETION
from retrieval.models import Dataset, Image, Index, Search
from storage.store import store
from storage.transfers import delete_all

BATCH = 1000  # pictures of one DELETE, or of one look for others with their content


def searches_over(dataset: Dataset) -> QuerySet[Search]:
    """Return every search with results or a query of a data set; they are deleted with it."""
    over = Q(datasets=dataset) | Q(rankings__index__dataset=dataset) | Q(query_image__dataset=dataset)
    return Search.stored.filter(pk__in=Search.stored.filter(over).values("pk"))


def submit_deletion(dataset: Dataset, *, by: User | None) -> Job:
    """Queue the deletion of a data set with its pictures, indexes and searches; nobody sees it any more.

    Raises:
        Conflict: a row or job uses it; the message names it.
    """
    with transaction.atomic():
        row = Dataset.objects.select_for_update().get(pk=dataset.pk)
        _require_unused(row)
        payload = {"dataset": row.pk, "name": row.name, "folder": row.folder.name}
        job = jobs.submit("delete-dataset", payload, by=by, key=f"{DELETION}{row.pk}")
        audit.record(by, "delete-dataset", row.name, pictures=row.images.count())
        return job


def _require_unused(row: Dataset, but_job: int | None = None) -> None:
    uses = uses_of(row, but_job=but_job)
    if uses:
        more = f" and {len(uses) - 5} more" if len(uses) > 5 else ""
        raise Conflict(f"{row.name} is used by {', '.join(map(str, uses[:5]))}{more}; delete or wait for these first")


def run_delete_job(
    context: JobContext, dataset: int, name: str, folder: str, files: Sequence[str] = ()
) -> Mapping[str, object]:
    """Delete a data set's rows, then its files. Safe to run again: files without rows go too.

    files: the keys of what belonged to rows that an earlier attempt deleted.
    """
    contents = set[str]()
    with transaction.atomic():
        row = Dataset.objects.select_for_update().filter(pk=dataset).first()
        if row is not None:
            try:
                _require_unused(row, context.job_id)
            except Conflict as error:
                raise JobFailed(str(error)) from error
            files, contents = _delete_rows(row)
            Job.objects.filter(pk=context.job_id).update(payload={**context.payload, "files": files})
    total = len(files) + len(contents) * len(RENDITIONS)
    delete_all(chain(files, _renditions_of(contents)), total, context.progress)
    store().delete(f"datasets/{folder}")
    return {"deleted": name}


def _renditions_of(contents: Iterable[str]) -> Iterator[str]:
    """Yield the keys of the renditions of pictures, by their SHA-256, that no picture has any more."""
    ordered = sorted(contents)
    for start in range(0, len(ordered), BATCH):
        part = ordered[start : start + BATCH]
        elsewhere = set(Image.objects.filter(sha256__in=part).order_by().values_list("sha256", flat=True))
        yield from (rendition_key(sha256, kind) for sha256 in part if sha256 not in elsewhere for kind in RENDITIONS)


def _delete_rows(row: Dataset) -> tuple[list[str], set[str]]:
    """Delete a data set and the rows that depend on it, a part of the pictures after the other.

    Return the keys of the files to delete after the commit, and the SHA-256 of the pictures, whose renditions may go.
    """
    along = delete_companions(row)
    notices.forget_pages([reverse("dataset", args=[row.slug])])
    searches, indexes = searches_over(row), Index.objects.filter(dataset=row)
    uploads = [search.upload_key for search in searches.filter(root=None)]  # others use their root's
    files = uploads + [key for index in indexes for key in (index.path, index.map_key)]
    contents = set(row.images.order_by().values_list("sha256", flat=True).iterator())
    searches.delete()
    indexes.delete()
    while keys := list(row.images.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        row.images.filter(pk__in=keys).delete()
    forget_upload(row.source)
    row.delete()
    return files + along, contents
