"""Checks of disks: room and files left where the site writes, and the bound of copies against it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from config import places
from operations.services.doctor.findings import Check, Finding, failure, ok, warning
from retrieval.models import Index
from storage.folder import bytes_below
from storage.store import store

LEAST_BYTES, LEAST_INODES = 512 * 2**20, 5_000
"""Below which jobs, uploads and SQLite soon fail."""
FEW_INODES = 50_000
"""Files; a data set of butterflies has some 5,000, with thumbnails twice as many."""
BUILDS = 3
"""Times the size of an index that stands on the disk while it is built anew: the old, the new and what is computed."""
GB = 2**30


def folders() -> dict[str, Path]:
    """Return the folders that the site writes to, by what they hold."""
    every = {
        "the site": places.var(),
        "files": places.media(),
        "caches": places.cache(),
        "temporary files": Path(tempfile.gettempdir()),
    }
    return {what: folder for what, folder in every.items() if folder.is_dir()}


def room() -> Iterator[Finding]:
    """Compare the bytes and files that are free with what an upload or an index takes."""
    seen = set[int]()
    for what, folder in folders().items():
        device = folder.stat().st_dev
        if device not in seen:
            seen.add(device)
            yield from _room_of(what, folder)


def _room_of(what: str, folder: Path) -> Iterator[Finding]:
    disk = os.statvfs(folder)
    free, inodes = disk.f_bavail * disk.f_frsize, disk.f_favail
    has_inodes = disk.f_files > 0  # some file systems count none
    left = f"The disk of {what} ({folder}) has {free / GB:,.1f} GB"
    if free < LEAST_BYTES:
        yield failure(f"{left} left: uploads, jobs and the database soon fail.", _make_room(folder))
    elif free < settings.ARCHIVE_MAX_BYTES:
        need = settings.ARCHIVE_MAX_BYTES / GB
        do = f"{_make_room(folder)} Or lower KINDRED_ARCHIVE_MAX_MB."
        yield warning(f"{left} left; an upload may have {need:,.1f} GB.", do)
    if has_inodes and inodes < LEAST_INODES:
        yield failure(f"The disk of {what} ({folder}) has room for {inodes:,} more files.", _make_room(folder))
    elif has_inodes and inodes < FEW_INODES:
        yield warning(f"The disk of {what} ({folder}) has room for {inodes:,} more files.", _make_room(folder))
    if free >= max(LEAST_BYTES, settings.ARCHIVE_MAX_BYTES) and (not has_inodes or inodes >= FEW_INODES):
        yield ok(f"{left}{f' and {inodes:,} files' if has_inodes else ''} left.")


def _make_room(folder: Path) -> str:
    return f"Make room on the disk of {folder}; the page Storage lists unused files."


def next_index() -> Iterator[Finding]:
    """Compare the free bytes with what the largest index takes while it is built anew."""
    sizes = [
        sum(file["bytes"] for file in index.manifest["files"].values())
        for index in Index.objects.filter(active=True).only("manifest")
    ]
    disk = os.statvfs(places.media())
    free, needed = disk.f_bavail * disk.f_frsize, BUILDS * max(sizes, default=0)
    if free < needed:
        seen = f"The largest index needs {needed / GB:,.1f} GB to be built anew, and {free / GB:,.1f} GB are left."
        yield failure(seen, _make_room(places.media()))
    else:
        yield ok(f"The largest index needs {needed / GB:,.1f} GB to be built anew.")


def copies() -> Iterator[Finding]:
    """Compare the bound of copies of stored files with the disk that holds them."""
    if not store().is_shared:
        yield ok("Files are stored here, so there are no copies of them.")
        return
    disk = os.statvfs(places.media())
    here = disk.f_bavail * disk.f_frsize + bytes_below(places.media())
    bound = settings.COPIES_MAX_BYTES
    if bound > here:
        seen = f"Copies of files may take {bound / GB:,.1f} GB, but the disk has room for {here / GB:,.1f} GB."
        yield warning(seen, f"Set KINDRED_COPIES_MAX_MB below {int(here * 0.8) // 2**20:,}, or take a larger disk.")
    else:
        yield ok(f"Copies of files may take {bound / GB:,.1f} of {here / GB:,.1f} GB.")


CHECKS = (
    Check("room", "disk", room),
    Check("next-index", "disk", next_index, ("migrations",)),
    Check("copies", "disk", copies, seconds=60),
)
