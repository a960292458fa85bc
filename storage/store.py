"""The interface of a storage, and the one that `STORAGE_URL` names.

A key says what lies where: it is a path below the media folder, such as `runs/12`, or below the weights folder,
`weights/NAME`. Each key has its place on this host. Only this package knows whether that place is the storage itself
or a copy.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit

from django.conf import settings

from config import places

WEIGHTS = "weights/"
"""How keys of the weights folder begin; all others are of the media folder."""
FILLED = "uploads/folder-"
"""How the keys of folders begin that several hosts fill file by file; others are stored whole."""
PARTS = "parts"
"""Where single files of folders lie on a host that has no use for the rest."""


@dataclass(frozen=True)
class Stored:
    """A file or folder of the storage: its key, and when something of it was last stored, with zone."""

    key: str
    changed_at: datetime


@dataclass(frozen=True)
class FolderFile:
    """A file of a stored folder: its path there, its bytes, when it was stored, and its SHA-256 where that is known."""

    path: str
    bytes: int
    changed_at: datetime
    sha256: str | None


@dataclass(frozen=True)
class Size:
    """Of what is stored: the number of files, and their bytes together."""

    files: int
    bytes: int


class Store(Protocol):
    """Files, and folders that never change. Errors: StorageAway from each of them.

    The key of a folder has no dot in its last part.
    """

    is_shared: bool
    """Whether other hosts see it, so that what lies at a place is a copy."""

    def put(self, key: str, source: Path | None = None) -> None:
        """Store what lies at the key's place on this host, a file or a folder, for all hosts.

        Of a folder that another host stored first, this host takes over the other's. source: where it lies, if it is
        about to be moved to its place.
        """

    def local_copy(self, key: str) -> Path:
        """Return the key's place on this host, filled if it was empty; nothing lies there if nothing is stored."""

    def local_part(self, key: str, path: str) -> Path:
        """Return a place of one file of a folder, without its other files if they are not here; it may not exist."""

    def files(self, key: str) -> list[FolderFile]:
        """Return the files of a folder, by path, without a copy of them; of one that is filled file by file, too."""

    def refreshed(self, key: str) -> Path:
        """Return the place of a folder that several hosts fill file by file, with the files as they are now."""

    def open(self, key: str) -> BinaryIO:
        """Return a stored file for reading, without a copy on this host.

        Raises:
            FileNotFoundError: there is none.
        """

    def write(self, key: str, data: bytes) -> None:
        """Store a file, without a copy on this host where others see the storage, too."""

    def has(self, key: str) -> bool:
        """Say whether a file or folder of that key is stored."""

    def measure(self, key: str) -> Size:
        """Return the size of a stored file or folder, all that lies below it included; zero where nothing is stored."""

    def below(self, key: str) -> Iterator[Stored]:
        """Yield what lies directly in a folder of keys, such as `runs`, hidden names included."""

    def verify(self, key: str) -> None:
        """Read a stored file or folder to its end.

        Raises:
            FileNotFoundError: it is not stored.
            StoredDamaged: its bytes are not those that were put.
        """

    def delete(self, key: str) -> None:
        """Delete a file or folder, and all that lies below it, here and in the storage. Nothing there is no error."""

    def check(self) -> None:
        """Raise where nothing can be read or stored."""


def place_of(key: str) -> Path:
    """Return where a key lies, or would lie, on this host.

    Raises:
        ValueError: the key leads out of its folder.
    """
    if key.startswith("/") or ".." in key.split("/"):
        raise ValueError(f"{key!r} is no key of the storage")
    if f"{key}/".startswith(WEIGHTS):
        return places.weights() / f"{key}/".removeprefix(WEIGHTS)
    return places.media() / key


def key_of(place: Path) -> str:
    """Return the key of a place below the media or the weights folder."""
    if place.is_relative_to(places.media()):
        return place.relative_to(places.media()).as_posix()
    return f"{WEIGHTS}{place.relative_to(places.weights()).as_posix()}"


def store() -> Store:
    """Return the storage that the settings name."""
    return store_at(settings.STORAGE_URL)


@lru_cache(maxsize=4)
def store_at(url: str) -> Store:
    """Return the storage at a URL; "" is the folder of this machine.

    Raises:
        ValueError: no storage has such a URL.
    """
    make = STORES.get(urlsplit(url).scheme)
    if make is None:
        known = ", ".join(f"{name}://" for name in STORES if name)
        # The rest of the URL may hold a key, which no message repeats.
        raise ValueError(f"STORAGE_URL must begin with {known}, not with {urlsplit(url).scheme}://")
    return make(url)


def _folder(url: str) -> Store:
    from storage.folder import FolderStore

    return FolderStore()


def _s3(url: str) -> Store:
    from storage.objects import ObjectStore, s3

    return ObjectStore(s3(url))


STORES: dict[str, Callable[[str], Store]] = {"": _folder, "s3": _s3}
"""What makes a storage, by the scheme of its URL."""
