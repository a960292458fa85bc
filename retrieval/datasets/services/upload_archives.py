"""Uploads that hold one archive: kept while somebody looks at its preview, until a job takes them or they expire."""

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from accounts.models import User
from config.errors import Rejected
from mlcore.datasets.archive_formats import ARCHIVE_SUFFIXES, ARCHIVES_READ
from retrieval.datasets.services.upload_files import check_owner, write_file
from retrieval.datasets.services.upload_paths import archive_place
from retrieval.datasets.services.uploads import begin_upload, delete_upload
from retrieval.models import Upload
from storage.store import key_of, store


def checked_ending(archive: "UploadedFile[bytes]") -> str:
    """Return which of ARCHIVE_SUFFIXES a file that was sent ends in.

    Raises:
        Rejected: in none of them, or it is too large.
    """
    ending = next((ending for ending in ARCHIVE_SUFFIXES if (archive.name or "").lower().endswith(ending)), None)
    if ending is None:
        raise Rejected(f"{archive.name} is not an archive that is read: choose {ARCHIVES_READ}")
    if archive.size is None or archive.size > settings.ARCHIVE_MAX_BYTES:
        most = settings.ARCHIVE_MAX_BYTES // 2**20
        raise Rejected(f"the archive is larger than {most:,} MB; import it by server path")
    return ending


def keep_archive(archive: "UploadedFile[bytes]", by: User) -> Upload:
    """Store an archive as an upload of its own.

    Raises:
        Rejected: its name has no ending of an archive, or it is too large.
        QuotaReached: the person's uploads are too many, or would hold too much together.
    """
    ending = checked_ending(archive)
    upload = begin_upload(by)
    try:
        upload.files, upload.bytes = 1, archive.size or 0
        check_owner(upload)
        place = archive_place(upload.folder, ending)
        write_file(archive, place)
        store().put(key_of(place))
        upload.save(update_fields=["files", "bytes"])
    except BaseException:
        delete_upload(upload)
        raise
    return upload
