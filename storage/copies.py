"""Copies of stored files on this host: bounded in bytes, and gone when nobody has used them for a week.

Copies are looked through in the background, at most every ten minutes, by whoever uses one. While a job runs on this
host, copies of the last day stay: its child process reads them by path. What was never stored is no copy and stays.
"""

import fcntl
import hashlib
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
from storage.store import FILLED, PARTS, key_of, store

logger = logging.getLogger(__name__)

EVERY = 600.0  # seconds between two looks
GRACE = 600.0  # seconds since its last use in which a copy stays: somebody has just got its path
GRACE_OF_JOBS = 86_400.0
UNUSED = 7 * 86_400.0
"""Seconds after which a copy goes though there is room: what was deleted on another host must not stay here."""
NOTED = 60.0  # seconds between two notes of a use

FOLDERS = ("runs", "outside", "indexes/*", "reports", "uploads")
"""Where each child is a copy, of a folder or a file."""
FILES = ("datasets/*/images", "maps", "thumbnails", "pictures", f"{FILLED}*", PARTS)
"""Where each file, however deep, is a copy. Searches have none."""
UNFINISHED = (*(f"{pattern}/.*" for pattern in FOLDERS), "checkpoints/*/*/*", "*/.*")
"""What a process that died left: half of a copy, or of a checkpoint that was being stored."""
MARK = "user.kindred.stored"

JOBS, KEPT, LOOKED = "copies-jobs.lock", "copies-kept.lock", "copies-looked"
"""Files in the var folder: held while a job runs, held while no copy may go, and changed at each look."""

_due = threading.Lock()
_looked_at = time.monotonic()


def mark(place: Path) -> None:
    """Note at a file or folder that the storage has it, so that it may go when the storage lacks it one day.

    Where the file system keeps no such notes, a copy stays unless the storage has it.
    """
    try:
        os.setxattr(place, MARK, _this_storage())
    except (OSError, AttributeError):
        logger.debug("%s cannot be marked", place)


def _is_marked(place: Path) -> bool:
    try:
        return os.getxattr(place, MARK) == _this_storage()
    except (OSError, AttributeError):
        return False


def _this_storage() -> bytes:
    return hashlib.sha256(settings.STORAGE_URL.encode()).hexdigest()[:16].encode()


def note_use(place: Path) -> None:
    """Remember that a copy was used just now; its time of change stays."""
    try:
        found = place.stat()
        if time.time() - found.st_atime > NOTED:
            os.utime(place, ns=(time.time_ns(), found.st_mtime_ns))
    except FileNotFoundError:
        return
    look_if_due()


def look_if_due() -> None:
    """Look through the copies in the background, if no process of this host did lately."""
    global _looked_at
    with _due:
        if time.monotonic() - _looked_at < EVERY:
            return
        _looked_at = time.monotonic()
    looked = _file(LOOKED)
    if looked.exists() and time.time() - looked.stat().st_mtime < EVERY:
        return
    looked.touch()
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
    if not store().is_shared or _is_held(KEPT):
        return 0
    _remove_unfinished()
    limit = settings.COPIES_MAX_BYTES if limit is None else limit
    found = sorted(_found(), key=lambda copy: copy[0])
    total, freed, now = sum(size for _, size, _ in found), 0, time.time()
    grace = GRACE_OF_JOBS if _is_held(JOBS) else GRACE
    for used_at, size, place in found:
        age = now - used_at
        if age < grace or (total - freed <= limit and age < UNUSED):
            break  # the others were used later
        if _is_marked(place) or store().has(key_of(place)):
            drop(place)
            freed += size
    return freed


def _found() -> Iterator[tuple[float, int, Path]]:
    """Yield when each copy was used, its bytes and its place."""
    media = places.media()
    candidates = [place for pattern in FOLDERS for place in media.glob(f"{pattern}/*")]
    candidates = [place for place in candidates if not key_of(place).startswith(FILLED)]  # its files are copies
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


def _remove_unfinished() -> None:
    for pattern in UNFINISHED:
        for place in places.media().glob(pattern):
            try:
                if time.time() - place.lstat().st_mtime > GRACE_OF_JOBS:
                    remove(place)
            except FileNotFoundError:
                continue


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
    with _held(JOBS):
        yield


@contextmanager
def all_kept() -> Iterator[None]:
    """Let all copies of this host stay while the block runs, however many there are."""
    with _held(KEPT):
        yield


@contextmanager
def _held(name: str) -> Iterator[None]:
    if not store().is_shared:
        yield
        return
    with _file(name).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _is_held(name: str) -> bool:
    with _file(name).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _file(name: str) -> Path:
    return keep_private_folder(places.var()) / name
