"""Sources of data sets: uploads, server paths below the import folders, and the built-in wings set."""

import uuid
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from accounts.models import User
from config.errors import Rejected
from jobs.errors import JobFailed
from mlcore.datasets.archive_formats import ARCHIVES_READ, stem_of
from mlcore.datasets.layout_detection import named_reader
from mlcore.datasets.reader_table import Reader, known_readers
from retrieval.datasets.services.upload_archives import checked_ending
from retrieval.datasets.services.upload_files import fetched_upload, write_file
from retrieval.datasets.services.upload_paths import archive_in
from retrieval.models import Upload
from retrieval.models.upload import UPLOADS, uploads
from storage.store import key_of, store
from storage.transfers import discard

UPLOAD = "upload:"
_ELSEWHERE = "{} is a link, or lies behind one, since it was checked; enter the path of its target"


def keep_upload(archive: "UploadedFile[bytes]") -> str:
    """Store an uploaded archive under a name of ours; return the source to store.

    Raises:
        Rejected: its name has no ending of an archive, or it is too large.
    """
    name = f"{uuid.uuid4()}{checked_ending(archive)}"
    target = uploads() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(archive, target)
    store().put(key_of(target))
    return f"{UPLOAD}{name}"


def forget_upload(where: str) -> None:
    """Delete the file or folder of an uploaded source; never of another source."""
    if is_upload(where):
        discard(f"{UPLOADS}/{where.removeprefix(UPLOAD)}")


def source_of(upload: Upload) -> str:
    """Return an upload as the source to store; call `take_upload` where the job uses it up."""
    return f"{UPLOAD}{upload.folder.name}"


def is_upload(where: str) -> bool:
    """Say whether a source was uploaded; its file is deleted after the import."""
    return where.startswith(UPLOAD)


def kept_at(where: str) -> Path:
    """Return the place of an uploaded source, a file or a folder."""
    return uploads() / where.removeprefix(UPLOAD)


def upload_of(where: str) -> Upload | None:
    """Return the upload that a stored source is; None where it is none, or a job took it."""
    folder = kept_at(where).name if is_upload(where) else ""
    return next((upload for upload in Upload.objects.all() if upload.folder.name == folder), None)


def place_of(where: str) -> Path | str:
    """Return what `open_source` opens for a stored source."""
    if not is_upload(where):
        return where
    place = fetched_upload(kept_at(where).name)
    return archive_in(place) or place


def place_to_open(where: str) -> Path | str:
    """Return what a job opens for a stored source.

    Raises:
        JobFailed: it was an upload that no longer exists, or a path that leads elsewhere since it was checked.
    """
    place = place_of(where)
    if not is_upload(where) and leads_elsewhere(where):
        raise JobFailed(_ELSEWHERE.format(where))
    if is_upload(where) and not Path(place).exists():
        raise JobFailed(
            f"the uploaded files are gone: they are kept for {settings.LEFTOVER_DAYS} days after a job fails; "
            "upload them again"
        )
    return place


def leads_elsewhere(source: str) -> bool:
    """Say whether a link has come to lie on a stored path, which has none: its target was never checked."""
    return not is_drawn(source) and str(Path(source).resolve()) != source


def rechecked_source(source: str) -> str:
    """Return the source of the last import, which was checked when it was stored.

    Raises:
        Rejected: the path is no longer there, or leads elsewhere since.
    """
    if leads_elsewhere(source):
        raise Rejected(_ELSEWHERE.format(source))
    return checked_source(source, None)


def suggested_name(archive: str, source: str) -> str:
    """Return a name for the data set of an archive, by the name that it was sent with, or of a server path."""
    return stem_of(Path(archive or ("" if is_drawn(source) else source)))


def is_drawn(source: str) -> bool:
    """Say whether a source is built in, not read from a path."""
    return named_reader(source) is not None


def archive_formats() -> str:
    """Return the formats of archives that an import reads, for a sentence."""
    return ARCHIVES_READ


def readable_kinds() -> tuple[Reader, ...]:
    """Return the formats that an import can read, with titles and descriptions."""
    return known_readers()


def checked_source(source: str, by: User | None) -> str:
    """Return the source to store; curators may name paths below the import folders only.

    Raises:
        Rejected: the path does not exist, or is outside the import folders.
    """
    if is_drawn(source):
        return source
    if not source:
        raise Rejected("give an archive, a server path, or wings:... for the built-in set")
    path = Path(source).resolve()
    allowed = [Path(root).resolve() for root in settings.IMPORT_ROOTS]
    if by is not None and not any(path.is_relative_to(root) for root in allowed):
        raise Rejected(f"{source} is outside the import folders ({', '.join(map(str, settings.IMPORT_ROOTS))})")
    try:
        path.stat()
    except OSError as error:  # not there, not readable, or a name that no file can have
        raise Rejected(f"{source} cannot be read: {error.strerror}") from None
    return str(path)
