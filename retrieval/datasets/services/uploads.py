"""Uploads: creation, use by a job, deletion, and expiry."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.personal_data import Used
from config.errors import QuotaReached, Rejected
from retrieval.datasets.services.upload_files import check_not_empty, owned_bytes
from retrieval.models import Upload
from retrieval.models.upload import KEPT
from storage.transfers import discard


def visible_uploads() -> QuerySet[Upload]:
    """Return the uploads that no job has used; every curator sees all of them."""
    return Upload.objects.all()


def begin_upload(by: User | None) -> Upload:
    """Make an empty upload.

    Raises:
        QuotaReached: the person has begun as many as they may; of requests at the same moment each may make one more.
    """
    if by and Upload.objects.filter(owner=by).count() >= settings.UPLOADS_MAX:
        raise QuotaReached(f"you have {settings.UPLOADS_MAX} uploads, the most allowed; delete or import one first")
    upload = Upload.objects.create(owner=by)
    upload.folder.mkdir(parents=True)
    return upload


def delete_upload(upload: Upload) -> None:
    """Delete an upload with its files."""
    if Upload.objects.filter(pk=upload.pk).delete()[0]:  # else a job has just taken it, and its files
        discard(upload.storage_key)


@transaction.atomic
def take_upload(upload: Upload) -> None:
    """Hand an upload to a job that is queued in the same transaction: delete its row, keep its folder for the job.

    Raises:
        Rejected: another job used it, or it is empty.
    """
    row = Upload.objects.select_for_update().filter(pk=upload.pk).first()
    if row is None:
        used = f"there is no upload {upload.pk} any more; a job used it, or it was deleted"
        raise Rejected(used, field="upload")
    check_not_empty(row)
    row.delete()


def used_uploads(user: User) -> list[Used]:
    """Return how many uploads and bytes a person has, and may have."""
    return [
        Used("Uploads not imported yet", Upload.objects.filter(owner=user).count(), settings.UPLOADS_MAX),
        Used("Files in them", owned_bytes(user.pk), settings.UPLOADS_MAX_BYTES, in_bytes=True),
    ]


def sweep(now: datetime) -> None:
    """Delete uploads that expired: nothing was added, and no job used them."""
    expired = Upload.objects.filter(changed_at__lt=now - KEPT)
    for upload in expired:
        if expired.filter(pk=upload.pk).delete()[0]:  # else something was added a moment ago
            discard(upload.storage_key)
