"""From a server path, an uploaded archive or drawn wings to a data set: queued, imported, given its rows."""

import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.models import User
from jobs import services as jobs
from jobs.context import JobContext
from mlcore.artifacts import read_json
from mlcore.datasets import Picture, import_pictures, load_dataset, open_source, write_catalogue
from retrieval.errors import Refused
from retrieval.models import Dataset, Image
from retrieval.uploads import uploads

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
UPLOAD = "upload:"
DRAWN = "wings"
BATCH = 1000
SLUG_LENGTH = 90  # some characters of a name become several


def submit_import(
    *,
    name: str,
    by: User | None,
    source: str = "",
    archive: "UploadedFile[bytes] | None" = None,
    licence: str = "",
    public: bool = False,
) -> Dataset:
    """Queue the import of a server path, an uploaded archive or drawn wings; return the data set's row.

    `by` None is the system (the demo command), which may read any path.

    Raises:
        Refused: the name is taken, or the source is not one of these.
    """
    where = _keep_upload(archive) if archive else _checked_source(source.strip(), by)
    try:
        with transaction.atomic():
            slug = slugify(name)[:SLUG_LENGTH] or "set"
            dataset = Dataset.objects.create(
                name=name, slug=slug, source=where, licence=licence, public=public, created_by=by
            )
            dataset.job = jobs.submit("import", {"dataset": dataset.pk}, by=by, key=f"import:{dataset.pk}")
            dataset.save(update_fields=["job"])
    except IntegrityError:
        _forget_upload(where)
        raise Refused(f"there is a data set like {name!r} already; choose another name") from None
    return dataset


def _keep_upload(archive: "UploadedFile[bytes]") -> str:
    suffix = next((ending for ending in ARCHIVES if (archive.name or "").lower().endswith(ending)), None)
    if suffix is None:
        raise Refused(f"{archive.name} is not an archive: choose one of {', '.join(ARCHIVES)}")
    if archive.size is None or archive.size > settings.ARCHIVE_MAX_BYTES:
        most = settings.ARCHIVE_MAX_BYTES // 2**20
        raise Refused(f"the archive is larger than {most:,} MB; import it by server path")
    name = f"{uuid.uuid4()}{suffix}"
    target = uploads() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for chunk in archive.chunks():
            file.write(chunk)
    return f"{UPLOAD}{name}"


def _forget_upload(where: str) -> None:
    if where.startswith(UPLOAD):
        _uploaded(where).unlink(missing_ok=True)


def _uploaded(where: str) -> Path:
    return uploads() / where.removeprefix(UPLOAD)


def is_drawn(source: str) -> bool:
    """Say whether a source is drawn by the project, not read from a path."""
    return source == DRAWN or source.startswith(f"{DRAWN}:")


def _checked_source(source: str, by: User | None) -> str:
    """Return the source to store; a curator reads below the import folders only."""
    if is_drawn(source):
        return source
    if not source:
        raise Refused("give an archive, a server path, or wings")
    path = Path(source).resolve()
    allowed = [Path(root).resolve() for root in settings.IMPORT_ROOTS]
    if by is not None and not any(path.is_relative_to(root) for root in allowed):
        raise Refused(f"{source} is outside the import folders ({', '.join(map(str, settings.IMPORT_ROOTS))})")
    try:
        path.stat()
    except OSError as error:  # not there, not readable, or a name that no file can have
        raise Refused(f"{source} cannot be read: {error.strerror}") from None
    return str(path)


def run_import_job(context: JobContext, dataset: int) -> dict[str, Any]:
    """Import the pictures of a data set's source; safe to run again after any crash."""
    row = Dataset.objects.get(pk=dataset)
    if not row.folder.exists():
        where = _uploaded(row.source) if row.source.startswith(UPLOAD) else row.source
        with open_source(where, progress=context.progress) as source:
            import_pictures(source, row.folder, context.progress)
    context.check()
    _record(row)
    _forget_upload(row.source)
    report: dict[str, Any] = row.report
    return {"dataset": row.pk, "images": report["images"], "classes": report["classes"]}


def _record(row: Dataset) -> None:
    """Give every picture its row, and the folder's catalogue the rows' ids."""
    folder = load_dataset(row.folder)
    with transaction.atomic():
        if not row.images.exists():
            Image.objects.bulk_create([_image(row, picture) for picture in folder.pictures], batch_size=BATCH)
    ids = dict(row.images.values_list("path", "pk"))
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
    row.classes, row.fingerprint = list(folder.classes), fingerprint
    row.licence = row.licence or folder.licence
    row.report, row.revision = read_json(row.folder / "report.json"), max(row.revision, 1)
    row.save(update_fields=["classes", "fingerprint", "licence", "report", "revision"])


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
