"""Files of a backup: walked in one order everywhere, copied with their checksums, never followed through links."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TextIO

from backups.errors import BackupError

BLOCK = 1 << 20
PRIVATE = 0o600  # of files in a backup: they hold what only its people may read
USUAL = 0o666  # of files on the site, less what the umask takes away


class Walked(NamedTuple):
    """What lies below a folder: its relative path, where, and whether it is a plain file."""

    path: str
    place: Path
    is_file: bool


class Copied(NamedTuple):
    """What a file holds."""

    bytes: int
    sha256: str


def walk(place: Path, path: str = "") -> Iterator[Walked]:
    """Yield everything but folders below a place, by the bytes of its whole path; of a file itself.

    Links are yielded as what they are, and not followed. What vanishes meanwhile is left out.
    """
    if place.is_symlink():
        yield Walked(path, place, False)
        return
    try:
        with os.scandir(place) as entries:
            listed = sorted(entries, key=_order_in_folder)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        yield Walked(path, place, place.is_file())
        return
    for entry in listed:
        below = f"{path}/{entry.name}" if path else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path), below)
        else:
            yield Walked(below, Path(entry.path), entry.is_file(follow_symlinks=False))


def _order_in_folder(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name) + b"/" * entry.is_dir(follow_symlinks=False)


def order_of(path: str) -> bytes:
    """Return what paths are sorted by."""
    return os.fsencode(path)


def content_of(place: Path) -> Copied:
    """Return size and checksum of a file, read in blocks; a link is an OSError."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            size += len(block)
    return Copied(size, digest.hexdigest())


def copy_file(source: Path, target: Path, mode: int) -> Copied:
    """Copy a file with its time; return what was copied. `target` is whole or not there, but not yet safe on disk."""
    make_folders(target.parent, mode)
    scratch = target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.part")
    scratch.unlink(missing_ok=True)
    digest, size = hashlib.sha256(), 0
    with (
        os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as read,
        os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as written,
    ):
        times = os.fstat(read.fileno())
        while block := read.read(BLOCK):
            digest.update(block)
            size += written.write(block)
    os.utime(scratch, ns=(times.st_atime_ns, times.st_mtime_ns))
    scratch.replace(target)
    return Copied(size, digest.hexdigest())


def make_folders(folder: Path, mode: int) -> None:
    """Make a folder and those above it that are missing, for whoever may read files of that mode."""
    if not folder.is_dir():
        make_folders(folder.parent, mode)
        folder.mkdir(0o700 if mode == PRIVATE else 0o777, exist_ok=True)


def private_text(path: Path) -> TextIO:
    """Open a private file of ASCII text to be written anew."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="ascii")


def write_synced(path: Path, data: bytes) -> None:
    """Write a private file beside `path`, rename it over, and wait until the disk has both."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def held(folder: Path, refusal: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a folder against other backups and restores.

    Raises:
        BackupError: another process holds it; the sentence is `refusal`.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BackupError(refusal) from None
    else:
        yield
    finally:
        os.close(opened)
