"""Previews of imports: a job reads the source, and its result is the preview."""

from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Visitor
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.models import Job
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.preview import preview_of
from retrieval.datasets.services.layouts import Layout, stored_choices
from retrieval.datasets.services.sources import checked_source, is_upload, place_to_open, source_of, upload_of
from retrieval.datasets.services.upload_archives import keep_archive
from retrieval.datasets.services.upload_files import check_not_empty
from retrieval.datasets.services.uploads import delete_upload
from retrieval.models import Upload
from retrieval.models.upload import KEPT

KIND = "preview"


def visible_previews(by: Visitor) -> QuerySet[Job]:
    """Return the jobs of previews that a person may see."""
    return jobs.visible_jobs(by).filter(kind=KIND)


def submit_preview(
    *,
    by: User,
    source: str = "",
    archive: "UploadedFile[bytes] | None" = None,
    upload: Upload | None = None,
    labelled: bool = True,
    layout: Layout | None = None,
    about: Mapping[str, Any] | None = None,
) -> Job:
    """Queue the preview of what an import would read; a person has one at a time.

    An archive is kept as an upload, which the result names and an import may use. about: what is to be stored with
    the data set, for the page of the preview.

    Raises:
        Rejected: the source is none that can be imported, or choices about the layout meet no labels.
        Conflict: another preview of theirs is queued or running.
        QuotaReached: an archive that their uploads have no room for.
    """
    choices = stored_choices(layout, labelled=labelled)
    running = Job.objects.filter(key=_key(by), state__in=Job.ACTIVE).first()
    if running and archive:
        raise _second(running)
    if upload:
        check_not_empty(upload)
    kept = keep_archive(archive, by) if archive else None
    used = upload or kept
    where = source_of(used) if used else checked_source(source.strip(), by)
    try:
        payload = {"source": where, "labelled": labelled, "layout": choices, "about": dict(about or {})}
        return _submitted(payload, by)
    except BaseException:
        if kept:
            delete_upload(kept)
        raise


def _key(by: User) -> str:
    return f"{KIND}:{by.pk}"


def _submitted(payload: Mapping[str, Any], by: User) -> Job:
    job = jobs.submit(KIND, payload, by=by, key=_key(by))
    if job.payload != payload:
        raise _second(job)
    return job


def _second(running: Job) -> Conflict:
    return Conflict(f"job {running.pk} is a preview of yours already; wait until it has finished, or cancel it")


def run_preview_job(
    context: JobContext, source: str, labelled: bool, layout: Layout, about: Mapping[str, Any]
) -> Mapping[str, object]:
    """Return the preview of a source as JSON, with the id of its upload, if it is one. Safe to run again.

    about: for the page alone.
    """
    choices = LayoutChoices.from_json(layout)
    preview = preview_of(place_to_open(source), labelled=labelled, choices=choices, progress=context.progress)
    context.check()
    upload = upload_of(source)
    return {**preview.to_json(), "preview": context.job_id, "upload": str(upload.pk) if upload else None}


def kept_upload(preview: Job) -> Upload | None:
    """Return the upload that a preview read; None where it read no upload, or a job took it since."""
    return upload_of(preview.payload["source"])


def delete_kept(preview: Job) -> None:
    """Delete the upload that a preview read, with its files, if it is still there."""
    upload = kept_upload(preview)
    if upload:
        delete_upload(upload)


def origin_of(preview: Job) -> dict[str, Any]:
    """Return the source of a preview as `submit_preview` and `submit_import` take it.

    Raises:
        Rejected: it was an upload that a job has taken since, or that expired.
    """
    where: str = preview.payload["source"]
    if not is_upload(where):
        return {"source": where}
    upload = kept_upload(preview)
    if upload is None:
        raise Rejected(
            f"the uploaded files are gone: they were imported, or deleted after {KEPT.days} days; upload them again"
        )
    return {"upload": upload}
