"""A tree of files, on disk or in an archive, and the limits that make an archive safe to read."""

import functools
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, NoReturn, TypeVar

from mlcore.datasets.system_files import SystemFiles
from mlcore.errors import DatasetError

MAX_FILE_BYTES = 64 * 2**20  # annotations of benchmarks stay under it; pictures have their own bound
DAMAGE = (
    OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, RuntimeError, ValueError,
)  # fmt: skip

Taken = TypeVar("Taken")


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold; a zip bomb breaks at least one.

    ratio: unpacked over packed bytes, minded only above `ratio_floor` unpacked bytes:
    a few small text files may well pack a hundredfold.
    """

    members: int = 300_000
    total_bytes: int = 64 * 2**30
    ratio: float = 100.0
    ratio_floor: int = 64 * 2**20


LIMITS = ArchiveLimits()


@dataclass(frozen=True)
class FileTree:
    """Files by their path below the top, "/" between folders.

    name: of the data set, without an archive's ending. origin: the folder's or archive's own name.
    skipped: (path, reason) of what is there and is not read. remarks: sentences on what else was left out.
    """

    name: str
    origin: str
    sizes: dict[str, int]
    read_raw: Callable[[str], bytes]
    skipped: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    @functools.cached_property
    def by_folder(self) -> Mapping[str, Sequence[str]]:
        """The paths of the files directly in each folder, "" or ending in "/".

        Walk this instead of `sizes` where folders tell enough: a million files lie in few folders.
        """
        folders: dict[str, list[str]] = {}
        for path in self.sizes:
            folder = path[: path.rfind("/") + 1]
            inside = folders.get(folder)
            if inside is None:
                inside = folders[folder] = []
            inside.append(path)
        return folders

    @functools.cached_property
    def by_ending(self) -> Mapping[str, Sequence[str]]:
        """The paths of the files with each ending, such as .csv, in small letters; "" for none."""
        endings: dict[str, list[str]] = {}
        for path in self.sizes:
            dot = path.rfind(".")
            ending = path[dot:].casefold() if dot > path.rfind("/") else ""
            endings.setdefault(ending, []).append(path)
        return endings

    @functools.cached_property
    def folders(self) -> frozenset[str]:
        """Every folder, "" or ending in "/", those that hold nothing but folders too."""
        found = {""}
        for folder in self.by_folder:
            while folder and folder not in found:
                found.add(folder)
                folder = folder[: folder.rfind("/", 0, -1) + 1]
        return frozenset(found)

    def read(self, path: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return the bytes of a file; safe to call from several threads.

        Raises:
            DatasetError: it is not there, is larger than `max_bytes`, or is damaged.
        """
        size = self.sizes.get(path)
        if size is None:
            raise DatasetError(f"{self.name} has no file {path}")
        if size > max_bytes:
            raise DatasetError(f"the file has {size:,} bytes; at most {max_bytes:,} are read")
        try:
            return self.read_raw(path)
        except DAMAGE as error:
            raise DatasetError(f"the file cannot be read: {error}") from error


def read_mat(tree: FileTree, path: str, take: Callable[[Mapping[str, Any]], Taken], what: str) -> Taken:
    """Return what `take` makes of the variables, squeezed, of a .mat file; `what` names them in the error.

    Raises:
        DatasetError: the file is damaged or holds something else.
    """
    import scipy.io  # slow to load, and wanted for such files only

    data = tree.read(path)
    try:
        return take(scipy.io.loadmat(io.BytesIO(data), squeeze_me=True))
    # scipy's reader raises nearly anything on a damaged file
    except Exception as error:
        raise DatasetError(f"{path} cannot be read as {what}: {error}") from error


@dataclass(frozen=True)
class Member:
    """What a zip and a tar say alike about one entry."""

    path: str
    size: int
    is_folder: bool
    is_file: bool


def safe_files(
    members: Iterable[Member], packed_bytes: int, limits: ArchiveLimits, system: SystemFiles
) -> Iterator[str]:
    """Yield the path of each ordinary file as it passes the checks, before its bytes are read.

    Files that systems leave are counted by `system` instead.
    """
    total = 0
    seen: set[str] = set()
    for count, member in enumerate(members, start=1):
        if count > limits.members:
            refuse(f"it holds more than {limits.members:,} entries")
        total += member.size
        if total > limits.total_bytes:
            refuse(f"it unpacks to more than {limits.total_bytes:,} bytes")
        if total > limits.ratio_floor and total > limits.ratio * packed_bytes:
            refuse(f"it unpacks to more than {limits.ratio:g} times its size")
        _check_path(member.path)
        if member.is_folder:
            continue
        if not member.is_file or member.path in ("", "."):
            refuse(f"{member.path!r} is a link or a device, not a file")
        if member.path in seen:
            refuse(f"it holds {member.path!r} twice")
        seen.add(member.path)
        if not system.counts_in(member.path):
            yield member.path


def refuse(reason: str) -> NoReturn:
    """Raise the DatasetError of an unsafe archive."""
    raise DatasetError(f"the archive is not safe to read: {reason}; pack the pictures again as plain files")


def _check_path(path: str) -> None:
    parts = PurePosixPath(path).parts
    if path.startswith("/") or "\\" in path or ".." in parts or "\0" in path or PureWindowsPath(path).drive:
        refuse(f"the path {path!r} is absolute or leaves the archive")
