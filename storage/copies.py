"""Copies of stored files on this host: bounded in bytes, and gone when nobody has used them for a week.

Copies are looked through in the background, at most every ten minutes, by whoever uses one. What the storage does not
have (yet) stays for that week. While a job runs on this host, copies of the last day stay too: its child process reads
them by path.
"""

import fcntl
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections

from config import places
from config.places import keep_private_folder
from storage.folder import bytes_below, remove
from storage.store import key_of, store

logger = logging.getLogger(__name__)

EVERY = 600.0  # seconds between two looks
GRACE = 600.0  # seconds since its last use in which a copy stays: somebody has just got its path
GRACE_OF_JOBS = 86_400.0
UNUSED = 7 * 86_400.0
"""Seconds after which a copy goes though there is room: what was deleted on another host must not stay here."""
NOTED = 60.0  # seconds between two notes of a use

FOLDERS = ("runs", "outside", "indexes/*", "reports")
"""Where each child is the copy of a folder."""
FILES = ("datasets/*/images", "maps", "thumbnails", "pictures", "parts")
"""Where each file, however deep, is a copy. Uploads are few and short-lived; searches have none."""

_due = threading.Lock()
_looked_at = time.monotonic()


def note_use(place: Path) -> None:
    """Remember that a copy was used just now; its time of change stays."""
    try:
        found = place.stat()
        if time.time() - found.st_atime > NOTED:
            os.utime(place, ns=(time.time_ns(), found.st_mtime_ns))
    except FileNotFoundError:
        return
    note_fetched()


def note_fetched() -> None:
    """Look through the copies in the background, if that is due."""
    global _looked_at
    with _due:
        if time.monotonic() - _looked_at < EVERY:
            return
        _looked_at = time.monotonic()
    threading.Thread(target=_trim_logged, name="trim-copies", daemon=True).start()


def _trim_logged() -> None:
    try:
        trim()
    except Exception:
        logger.exception("copies of stored files were not looked through")
    finally:
        connections.close_all()  # of this thread


def trim(limit: int | None = None) -> int:
    """Delete copies that are too old, and the least recently used above the limit in bytes; return the bytes freed."""
    limit = settings.COPIES_MAX_BYTES if limit is None else limit
    found = sorted(_found(), key=lambda copy: copy[0])
    total, freed, now = sum(size for _, size, _ in found), 0, time.time()
    grace = GRACE_OF_JOBS if _a_job_runs() else GRACE
    for used_at, size, place in found:
        age = now - used_at
        if age < grace or (total - freed <= limit and age < UNUSED):
            break  # the others were used later
        key = key_of(place)
        if age > UNUSED or store().has(key):  # what was not put within a week never will be
            drop(place)
            freed += size
    return freed


def _found() -> Iterator[tuple[float, int, Path]]:
    """Yield when each copy was used, its bytes and its place."""
    media = places.media()
    candidates = [place for pattern in FOLDERS for place in media.glob(f"{pattern}/*")]
    candidates += [place for pattern in FILES for folder in media.glob(pattern) for place in _files(folder)]
    candidates += places.weights().glob("*.safetensors")
    for place in candidates:
        if not place.name.startswith("."):
            try:
                yield place.stat().st_atime, bytes_below(place), place
            except FileNotFoundError:
                continue


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)


def drop(place: Path) -> None:
    """Delete a copy at once: half of a folder is never at its place."""
    aside = place.with_name(f".{place.name[:100]}-going-{uuid.uuid4().hex}")
    try:
        place.rename(aside)
    except FileNotFoundError:
        return
    remove(aside)


@contextmanager
def used_by_a_job() -> Iterator[None]:
    """Let copies of the last day stay while the block runs."""
    if not store().is_shared:
        yield
        return
    with _lock_file().open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _a_job_runs() -> bool:
    with _lock_file().open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _lock_file() -> Path:
    return keep_private_folder(places.var()) / "copies.lock"
