"""The storage of a single machine: what lies at a key's place is all there is."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from config import places
from storage.contents import visible_files
from storage.store import FolderFile, Size, Stored, place_of


class FolderStore:
    """Files and folders below the media and the weights folder."""

    is_shared = False

    def put(self, key: str, source: Path | None = None) -> None:
        """Do nothing: it is stored where it lies."""

    def local_copy(self, key: str) -> Path:
        return place_of(key)

    def local_part(self, key: str, path: str) -> Path:
        return place_of(key) / path

    def files(self, key: str) -> list[FolderFile]:
        folder = place_of(key)
        found = []
        for file in visible_files(folder) if folder.is_dir() else ():
            status = file.stat()
            changed_at = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(FolderFile(file.relative_to(folder).as_posix(), status.st_size, changed_at, None))
        return found

    def refreshed(self, key: str) -> Path:
        return place_of(key)

    def open(self, key: str) -> BinaryIO:
        return place_of(key).open("rb")

    def write(self, key: str, data: bytes) -> None:
        place = place_of(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def has(self, key: str) -> bool:
        return place_of(key).exists()

    def measure(self, key: str) -> Size:
        sizes = list(_sizes(place_of(key)))
        return Size(len(sizes), sum(sizes))

    def below(self, key: str) -> Iterator[Stored]:
        folder = place_of(key)
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            try:
                changed_at = datetime.fromtimestamp(place.lstat().st_mtime, UTC)
            except FileNotFoundError:  # it went since the folder was listed
                continue
            yield Stored(f"{key}/{place.name}", changed_at)

    def verify(self, key: str) -> None:
        if not place_of(key).exists():  # a folder of one machine has no second record to compare with
            raise FileNotFoundError(f"{key} is missing")

    def delete(self, key: str) -> None:
        remove(place_of(key))

    def check(self) -> None:
        folder = places.media()
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is missing or cannot be written")


def remove(place: Path) -> None:
    """Delete a file or a folder; nothing there is no error."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, onerror=_raise_unless_gone)
    else:
        place.unlink(missing_ok=True)


def _raise_unless_gone(function: Any, path: str, error: Any) -> None:
    """Pass over what another process deletes at the same moment."""
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]


def bytes_below(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; 0 for what is not there (any more)."""
    return sum(_sizes(path))


def _sizes(path: Path) -> Iterator[int]:
    """Yield the bytes of a file, or of each file below a folder but those behind links."""
    try:
        if not path.is_dir():
            yield path.lstat().st_size
            return
        with os.scandir(path) as entries:
            children = list(entries)
    except FileNotFoundError:
        return
    for entry in children:
        if not entry.is_symlink():
            yield from _sizes(Path(entry.path))
