"""Import of a data set from a server path, an upload or the built-in wings set: the job and its rows."""

from collections.abc import Mapping
from functools import partial

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import audit
from accounts.models import User
from config.errors import Rejected
from jobs import services as jobs
from jobs.context import JobContext
from jobs.errors import JobFailed
from jobs.models import Job
from mlcore.artifacts import read_json
from mlcore.datasets import Picture, import_pictures, load_dataset, open_source, write_catalogue
from mlcore.datasets.layout_choices import LayoutChoices
from retrieval.datasets.services.catalogue import ABOUT
from retrieval.datasets.services.classes import add_classes
from retrieval.datasets.services.layouts import Layout, stored_choices
from retrieval.datasets.services.sources import (
    checked_source,
    forget_upload,
    is_drawn,
    keep_upload,
    place_to_open,
    source_of,
)
from retrieval.datasets.services.thumbnails import fill_looks
from retrieval.datasets.services.uploads import take_upload
from retrieval.models import Dataset, Image, Upload
from storage.store import place_of
from storage.transfers import put_all

BATCH = 1000
SLUG_LENGTH = 90  # some characters of a name become several


def submit_import(
    *,
    name: str,
    by: User | None,
    source: str = "",
    archive: "UploadedFile[bytes] | None" = None,
    upload: Upload | None = None,
    licence: str = "",
    attribution: str = "",
    labelled: bool = True,
    layout: Layout | None = None,
    public: bool = False,
) -> Dataset:
    """Queue the import of a server path, an uploaded archive or folder, or drawn wings; return the data set's row.

    `by` None is the system (the demo command), which may read any path. Not `labelled`: folder names are ignored;
    the data set can be searched but not used for training or evaluation. `layout` is what to read otherwise than found.

    Raises:
        Rejected: the name is taken, the source is not one of these, or choices about the layout meet no labels.
    """
    choices = stored_choices(layout, labelled=labelled)
    where = source_of(upload) if upload else keep_upload(archive) if archive else checked_source(source.strip(), by)
    if not labelled and is_drawn(where):
        raise Rejected("the built-in wings set always has labels; untick “Without labels”")
    try:
        with transaction.atomic():
            _make_way(name, upload)
            dataset = Dataset.objects.create(
                name=name,
                slug=slugify(name)[:SLUG_LENGTH] or "set",
                source=where,
                licence=licence,
                attribution=attribution,
                labelled=labelled,
                layout=choices,
                public=public,
                created_by=by,
            )
            dataset.job = jobs.submit("import", {"dataset": dataset.pk}, by=by, key=f"import:{dataset.pk}")
            dataset.save(update_fields=["job"])
            audit.record(by, "import-dataset", name, source=where, public=public)
    except BaseException as error:
        if archive:
            forget_upload(where)
        if isinstance(error, IntegrityError):
            raise Rejected(f"the name {name!r} is taken; choose another") from None
        raise
    return dataset


def _make_way(name: str, upload: Upload | None) -> None:
    """Take the upload, and delete the row of a failed or cancelled first import of that name.

    Who sends another archive after a failure gives the same name again.
    """
    if upload:
        take_upload(upload)
    rows = Dataset.objects.filter(slug=slugify(name)[:SLUG_LENGTH] or "set", name=name, revision=0)
    for row in rows.filter(job__state__in=(Job.State.CANCELLED, "failed")).select_for_update():
        Job.objects.filter(pk=row.job_id or 0).update(refused_input=True)  # nothing is left to retry
        transaction.on_commit(partial(forget_upload, row.source))
        row.delete()


def run_import_job(context: JobContext, dataset: int) -> Mapping[str, object]:
    """Import the pictures of a data set's source; safe to run again after any crash."""
    row = Dataset.objects.filter(pk=dataset).first()
    if row is None:
        raise JobFailed("its data set was deleted, or imported again; import it anew")
    if not row.is_ready:  # else it runs again, perhaps on another host
        _read_pictures(context, row)
    context.check()
    record_rows(row)
    fill_looks(row, context.progress)
    forget_upload(row.source)
    return {"dataset": row.pk, "images": row.report["images"], "classes": row.report["classes"]}


def _read_pictures(context: JobContext, row: Dataset) -> None:
    """Write the data set's folder and store its files; they have no rows yet."""
    if not row.folder.exists():
        choices = LayoutChoices.from_json(row.layout)
        where = place_to_open(row.source)
        with open_source(where, flat=not row.labelled, choices=choices, progress=context.progress) as source:
            import_pictures(source, row.folder, context.progress)
    pictures = [row.picture_key(picture.path) for picture in load_dataset(row.folder).pictures]
    here = [key for key in pictures if place_of(key).exists()]  # others went since an attempt stored them
    put_all([*here, f"{row.storage_key}/{ABOUT}"], context.progress)


def record_rows(row: Dataset) -> None:
    """Give every picture of an imported folder its row, and the folder's catalogue the rows' ids. Safe to run again."""
    if row.is_ready:
        return  # run again: curators may have changed the rows since
    folder = load_dataset(row.folder)
    with transaction.atomic():
        if not row.images.exists():
            for start in range(0, len(folder.pictures), BATCH):  # bulk_create holds all that it is given
                Image.objects.bulk_create(_image(row, picture) for picture in folder.pictures[start : start + BATCH])
        if not row.classes.exists():
            add_classes(row, folder.classes)
    ids = dict(row.images.order_by().values_list("path", "pk").iterator())
    pictures = [_renumbered(picture, ids[picture.path]) for picture in folder.pictures]
    fingerprint = write_catalogue(
        row.folder,
        name=row.name,
        classes=folder.classes,
        rows=pictures,
        licence=row.licence or folder.licence,
        source=folder.source,
        ks=folder.ks,
    )
    row.fingerprint, row.licence = fingerprint, row.licence or folder.licence
    row.report, row.revision = read_json(row.folder / "report.json"), max(row.revision, 1)
    row.save(update_fields=["fingerprint", "licence", "report", "revision"])


def _image(row: Dataset, picture: Picture) -> Image:
    return Image(
        dataset=row,
        path=picture.path,
        label=picture.label,
        split=picture.split,
        sha256=picture.sha256,
        width=picture.width,
        height=picture.height,
    )


def _renumbered(picture: Picture, pk: int) -> Picture:
    return Picture(pk, picture.path, picture.label, picture.split, picture.sha256, picture.width, picture.height)
