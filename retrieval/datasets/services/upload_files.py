"""The files of an upload: each is there whole or not at all, however many processes write, or die.

A request's files are written aside, then moved in place while the upload's row is locked. The folder they were
aside in is renamed before the first move and goes after the transaction; one of that name says that a process
died between, and its files are counted again.
"""

import hashlib
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from config.errors import QuotaReached, Rejected, TooLarge
from retrieval.datasets.services.upload_paths import (
    Listing,
    Parts,
    archive_in,
    check_apart,
    checked_path,
    entries_in,
    place_in,
)
from retrieval.models import Upload
from retrieval.models.upload import UPLOADS
from storage.store import FILLED, key_of, store

MOST_FILES = 200_000
ASIDE = ".aside"
MOVING = "-moving"


@dataclass(frozen=True)
class StoredFile:
    """A file of an upload, by its path there."""

    path: str
    sha256: str
    size: int


def write_file(file: "UploadedFile[bytes]", place: Path) -> None:
    """Write an upload to a path, completely or not at all."""
    try:
        with place.open("wb") as target:
            for chunk in file.chunks():
                target.write(chunk)
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def store_files(upload: Upload, files: "Sequence[tuple[str, UploadedFile[bytes]]]") -> list[StoredFile]:
    """Store files by path; a file with the same path is replaced.

    Raises:
        Rejected: a path is not fit, or unlike another by its case only, or the upload holds an archive.
        QuotaReached: its owner's uploads would hold too much together.
        TooLarge: the upload would hold too much.
        Upload.DoesNotExist: it was deleted, or a job took it meanwhile.
    """
    paths = [checked_path(path) for path, _ in files]
    check_apart(paths)
    folder = upload.folder
    if upload.files == 1 and archive_in(fresh_folder(upload)):
        raise Rejected("the upload holds an archive; create another upload for pictures", field="files")
    _check_sum(0, sum(file.size or 0 for _, file in files))
    aside = folder / ASIDE / uuid.uuid4().hex
    try:
        Upload.objects.get(pk=upload.pk)
        aside.mkdir(parents=True)  # another host may have begun the upload
        stored = [_written(aside / str(number), path, file) for number, (path, file) in enumerate(files)]
        _put_in_place(upload, aside, paths, stored)
    except FileNotFoundError:
        Upload.objects.get(pk=upload.pk)  # the folder went with its row; if it did not, something else is wrong
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(_moving(aside), ignore_errors=True)
    return stored


def fresh_folder(upload: Upload) -> Path:
    """Return the folder of an upload with its files, whichever hosts received them."""
    return fetched_upload(upload.folder.name)


def fetched_upload(name: str) -> Path:
    """Return the place of an upload, a file or a folder by its name below all uploads, with what was sent.

    The folder of an `Upload` is filled file by file; others were stored whole.
    """
    key = f"{UPLOADS}/{name}"
    return store().refreshed(key) if key.startswith(FILLED) else store().local_copy(key)


def _written(place: Path, path: str, file: "UploadedFile[bytes]") -> StoredFile:
    digest, size = hashlib.sha256(), 0
    with place.open("wb") as target:
        for chunk in file.chunks():
            digest.update(chunk)
            size += target.write(chunk)
    return StoredFile(path, digest.hexdigest(), size)


@transaction.atomic
def _put_in_place(upload: Upload, aside: Path, paths: Sequence[Parts], stored: Sequence[StoredFile]) -> None:
    row = Upload.objects.select_for_update().get(pk=upload.pk)
    if list(aside.parent.glob(f"*{MOVING}")):
        _recount(row)
    for parent in {"/".join(parts[:-1]) for parts in paths}:
        store().refreshed(f"{row.storage_key}/{parent}".rstrip("/"))
    listing: Listing = {}
    places = [place_in(row.folder, parts, listing) for parts in paths]
    replaced = [place.stat().st_size for place in places if place.exists()]
    row.files += len(places) - len(replaced)
    row.bytes += sum(file.size for file in stored) - sum(replaced)
    _check_sum(row.files, row.bytes)
    check_owner(row)
    moving = aside.rename(_moving(aside))
    for number, place in enumerate(places):
        place.parent.mkdir(parents=True, exist_ok=True)
        store().put(key_of(place), moving / str(number))  # first: a file at its place is stored
        (moving / str(number)).replace(place)
    row.changed_at = timezone.now()
    row.save(update_fields=["files", "bytes", "changed_at"])


def _moving(aside: Path) -> Path:
    return aside.with_name(f"{aside.name}{MOVING}")


def _check_sum(files: int, size: int) -> None:
    if files > MOST_FILES:
        raise TooLarge(f"an upload may have at most {MOST_FILES:,} files; import these, then create another upload")
    if size > settings.ARCHIVE_MAX_BYTES:
        most = settings.ARCHIVE_MAX_BYTES // 2**20
        raise TooLarge(f"an upload may have at most {most:,} MB; import these by server path")


def check_owner(row: Upload) -> None:
    """Check what its owner's uploads hold together; those that grow at the same moment do not see each other.

    Raises:
        QuotaReached: it is too much.
    """
    if row.owner_id is None:
        return
    if owned_bytes(row.owner_id, without=row) + row.bytes > settings.UPLOADS_MAX_BYTES:
        most = settings.UPLOADS_MAX_BYTES // 2**20
        raise QuotaReached(f"your uploads have {most:,} MB, the most allowed; import or delete one first")


def owned_bytes(owner: int, without: Upload | None = None) -> int:
    """Return the bytes in a person's uploads, but for one of them."""
    others = Upload.objects.filter(owner=owner).exclude(pk__in=[without.pk] if without else [])
    total: int = others.aggregate(total=Sum("bytes", default=0))["total"]
    return total


def _recount(row: Upload) -> None:
    fresh_folder(row)
    sizes = [row.folder.joinpath(*parts).stat().st_size for parts in paths_below(row.folder)]
    row.files, row.bytes = len(sizes), sum(sizes)
    for left in (row.folder / ASIDE).glob(f"*{MOVING}"):
        shutil.rmtree(left, ignore_errors=True)


def files_of(upload: Upload, after: Parts = (), most: int | None = None) -> list[StoredFile]:
    """Return the files of an upload in order, folder by folder: those behind a path, at most so many."""
    return [
        file
        for parts in islice(paths_below(fresh_folder(upload), after), most)
        if (file := _found(upload, parts)) is not None
    ]


def _found(upload: Upload, parts: Parts) -> StoredFile | None:
    """Return a file with its hash; None for one that has gone since it was listed."""
    try:
        with upload.folder.joinpath(*parts).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return StoredFile("/".join(parts), digest, file.tell())
    except FileNotFoundError:
        return None


def paths_below(folder: Path, after: Parts = ()) -> Iterator[Parts]:
    """Yield the paths of the files below a folder, those behind `after` only, which need not be there any more.

    Folders before it are not looked into.
    """
    first = after[0] if after else ""
    for entry in entries_in(folder, first):
        name = entry.name
        if entry.is_dir():
            yield from ((name, *rest) for rest in paths_below(folder / name, after[1:] if name == first else ()))
        elif name > first:
            yield (name,)


def check_not_empty(upload: Upload) -> None:
    """Check that an upload has files.

    Raises:
        Rejected: it is empty.
    """
    if next(paths_below(fresh_folder(upload)), None) is None:
        raise Rejected("the upload is empty; send pictures first", field="upload")
