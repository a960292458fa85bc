"""Deletion of pictures: their rows and dependent rows in one transaction, then their files."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from config.errors import Conflict
from jobs.context import JobContext
from jobs.models import Job
from retrieval.datasets.services.bounds import checked_choice, counted, require_both_splits, require_enough
from retrieval.datasets.services.catalogue import locked, publish_revision
from retrieval.datasets.services.changes import asked_by, refusals_fail, submit_change
from retrieval.datasets.services.counted_changes import counted_change
from retrieval.datasets.services.dependencies import uses_of_pictures
from retrieval.datasets.services.pictures import RENDITIONS, rendition_key
from retrieval.datasets.services.revisions import follow_up_revision
from retrieval.models import Dataset, Image, Search
from storage.transfers import delete_all

MOST_LISTED = 100  # paths in an entry of the audit trail

Going = list[Any]
"""Id, path and SHA-256 of a picture in a job's payload: the row is deleted before the files."""


@transaction.atomic
def submit_picture_deletion(dataset: Dataset, pictures: Sequence[int], *, by: User | None) -> Job:
    """Queue the deletion of pictures, which cannot be undone; hiding can.

    Deleted with a picture: its file, renditions that no other picture shares, its marks, and the searches whose
    query it is, with their results and refinements. Other searches lose it as a result and keep their marks.
    Models and their metrics stay, and so do files with its path and vector. A picture whose results were rated
    blind cannot be deleted. Its id is never used again.
    The pictures are hidden at once and stay hidden if the job fails or is cancelled. A job that reads a file at
    that moment fails; its next attempt goes without the picture.

    Raises:
        Rejected: none or too many are selected, one is not of the data set, or too few would stay.
        Conflict: ratings refer to one, or another job is changing the data set.
    """
    row = locked(dataset)
    selected = checked_choice(row, pictures)
    _require_dispensable(row, selected)
    going = row.images.filter(pk__in=selected).order_by("pk").values_list("pk", "path", "sha256")
    job = submit_change("delete-pictures", row, {"pictures": [list(picture) for picture in going]}, by=by)
    hiding = list(row.images.filter(pk__in=selected, hidden=False).values_list("pk", flat=True))
    count = len(hiding)
    if count:
        with counted_change(row, hiding) as change:
            row.images.filter(pk__in=hiding).update(hidden=True)
        publish_revision(row, f"{counted(count)} hidden, to be deleted", change)  # the job queues the indexes
        audit.record(by, "hide-pictures", row.name, pictures=count, job=job.pk)
    return job


def _require_dispensable(row: Dataset, going: Collection[int]) -> None:
    uses = uses_of_pictures(row, going)
    if uses:
        raise Conflict(f"these pictures of {row.name} are used by {', '.join(uses)}; hide them instead")
    if row.images.filter(pk__in=going, hidden=False).exists():  # hidden pictures do not count
        require_enough(row, going)
        require_both_splits(row, going)


def run_delete_pictures_job(context: JobContext, dataset: int, pictures: list[Going]) -> Mapping[str, object]:
    """Delete pictures' rows, then their files. Safe to run again: files without rows go too."""
    row = Dataset.objects.get(pk=dataset)
    context.check()
    with refusals_fail():
        _delete_rows(context, row, [pk for pk, _, _ in pictures])
    files = _files_of(row, pictures)
    delete_all(files, len(files), context.progress)
    context.say(f"{counted(len(pictures))} deleted")
    return {"dataset": row.pk, "deleted": len(pictures)}


@transaction.atomic
def _delete_rows(context: JobContext, dataset: Dataset, going: list[int]) -> None:
    row, by = locked(dataset), asked_by(context)
    images = row.images.filter(pk__in=going)
    paths = list(images.values_list("path", flat=True))
    if not paths:
        return  # an earlier attempt deleted them
    _require_dispensable(row, going)
    searches = Search.objects.filter(query_image__in=going).count()
    with counted_change(row, going) as change:
        images.delete()
    publish_revision(row, f"{counted(len(paths))} deleted", change)
    follow_up_revision(row, by=by)
    audit.record(by, "delete-pictures", row.name, pictures=len(paths), searches=searches, paths=[*paths[:MOST_LISTED]])


def _files_of(row: Dataset, pictures: list[Going]) -> list[str]:
    """Return the keys of the files that no row refers to any more: an import may have reused a path since."""
    paths, contents = {path for _, path, _ in pictures}, {sha256 for _, _, sha256 in pictures}
    paths -= set(row.images.filter(path__in=paths).values_list("path", flat=True))
    contents -= set(Image.objects.filter(sha256__in=contents).values_list("sha256", flat=True))
    originals = [row.picture_key(path) for path in sorted(paths)]
    return originals + [rendition_key(sha256, kind) for sha256 in sorted(contents) for kind in RENDITIONS]
