"""Local folders of pictures, and the progress of their upload."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from kindred_client.errors import KindredError

# What the server takes; a test compares. A name without a suffix may be a picture: the server looks inside.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp", ".tif", ".tiff", ""}
)
MOST_FILES, MOST_BYTES = 50, 8 * 2**20  # of one request; a single larger picture goes alone


@dataclass(frozen=True)
class Picture:
    """A file below the folder; `path` is that on the server."""

    path: str
    where: Path
    size: int
    changed: int  # when, in nanoseconds


def pictures_in(folder: Path) -> list[Picture]:
    """Return the pictures below the folder by path; hidden files and other files are left out.

    Raises:
        KindredError: there is none, or no such folder.
    """
    if not folder.is_dir():
        raise KindredError(f"there is no folder {folder}")
    pictures = []
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            where = Path(top) / name
            if not name.startswith(".") and where.suffix.lower() in SUFFIXES and where.is_file():
                stat = where.stat()
                pictures.append(Picture(where.relative_to(folder).as_posix(), where, stat.st_size, stat.st_mtime_ns))
    if not pictures:
        raise KindredError(f"there are no pictures in {folder}")
    return sorted(pictures, key=lambda picture: picture.path)


def in_batches(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    """Split them into batches for one request each, bounded in count and bytes."""
    batch: list[Picture] = []
    size = 0
    for picture in pictures:
        if batch and (len(batch) >= MOST_FILES or size + picture.size > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(picture)
        size += picture.size
    if batch:
        yield batch


def listing_of(pictures: Iterable[Picture]) -> str:
    """Return a digest of the folder; it changes with every added, changed or removed file."""
    rows = [[picture.path, picture.size, picture.changed] for picture in pictures]
    return sha256_of(json.dumps(rows).encode())


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def state_folder() -> Path:
    """Return the folder of this user's resume files."""
    named = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return Path(named or Path.home() / ".local" / "state") / "kindred" / "uploads"


@dataclass
class Progress:
    """What another process needs to resume an upload."""

    upload: str
    sent: bool = False  # all pictures were sent, and the job was requested
    listing: str = ""  # `listing_of` the folder when it was sent


class ResumeState:
    """The resume file of one upload, named by site, folder and purpose."""

    def __init__(self, *what: str, folder: Path | None = None) -> None:
        name = sha256_of("\n".join(what).encode())[:32]
        self.path = (folder or state_folder()) / f"{name}.json"

    def recall(self) -> Progress | None:
        """Return the stored progress; None if there is none, or the file is invalid."""
        try:
            stored: Mapping[str, object] = json.loads(self.path.read_text())
            return Progress(str(stored["upload"]), bool(stored["sent"]), str(stored["listing"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, progress: Progress) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=self.path.parent, prefix=".", delete=False) as file:
            json.dump(vars(progress), file)
        Path(file.name).replace(self.path)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def key_of(upload: str, **words: object) -> str:
    """Return the idempotency key of an upload's job with these parameters, the same in every process."""
    return sha256_of(json.dumps([upload, words], sort_keys=True).encode())
