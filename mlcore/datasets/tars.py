"""Tar archives: a plain one is read in place, a compressed one is unpacked first."""

import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

from mlcore.datasets.archive_formats import stem_of
from mlcore.datasets.compressed_streams import Compression
from mlcore.datasets.filetree import MAX_FILE_BYTES, ArchiveLimits, FileTree, Member, refuse, safe_files
from mlcore.datasets.system_files import SystemFiles
from mlcore.errors import DatasetError
from mlcore.events import Progress


class _BoundedReads:
    """A file that refuses one huge read: tarfile trusts the size a header claims for its own metadata."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tell = file.tell
        self.seek = file.seek
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_FILE_BYTES:
            refuse(f"a header asks for {size:,} bytes at once")
        self.last = self._file.read(size)
        return self.last


def _tar_of(file: _BoundedReads) -> tarfile.TarFile:
    return tarfile.TarFile(fileobj=cast(IO[bytes], file))


def _tar_members(tar: tarfile.TarFile, file: _BoundedReads, met: list[tarfile.TarInfo]) -> Iterator[Member]:
    """Yield the entries of a tar, each first appended to `met`."""
    for info in tar:
        met.append(info)
        yield Member(_tar_path(info), info.size, info.isdir(), info.isreg())
    # tarfile takes a damaged header for the end: only a block of zeros, or nothing, truly is.
    if file.last.strip(b"\0"):
        raise tarfile.ReadError("an entry's header is damaged")


def _tar_path(info: tarfile.TarInfo) -> str:
    # `tar -C folder .` writes "./a/b.jpg"
    return info.name.removeprefix("./") or "."


def is_tar(where: Path) -> bool:
    """Tell by the mark in its first header whether a file is a plain tar; those of before 1988 have none."""
    with where.open("rb") as file:
        return file.read(262)[257:] == b"ustar"


def tar_tree(stack: ExitStack, where: Path, limits: ArchiveLimits) -> FileTree:
    """Return the files of a plain tar, read in place."""
    file = _BoundedReads(stack.enter_context(where.open("rb")))
    tar = stack.enter_context(_tar_of(file))
    met: list[tarfile.TarInfo] = []
    members = _tar_members(tar, file, met)
    system = SystemFiles()
    infos = {path: met[-1] for path in safe_files(members, where.stat().st_size, limits, system)}
    lock = threading.Lock()  # one file position serves all readers

    def read(path: str) -> bytes:
        with lock:
            return _member_bytes(tar, infos[path])

    return FileTree(
        name=stem_of(where),
        origin=where.resolve().name,
        sizes={path: info.size for path, info in infos.items()},
        read_raw=read,
        remarks=system.remarks(),
    )


def unpacked_tree(
    where: Path, compression: Compression, folder: Path, limits: ArchiveLimits, progress: Progress
) -> FileTree:
    """Unpack a compressed tar as a stream, each member checked before its bytes are written."""
    places: dict[str, Path] = {}
    sizes: dict[str, int] = {}
    met: list[tarfile.TarInfo] = []
    packed = where.stat().st_size
    system = SystemFiles()
    with where.open("rb") as raw, compression.opened(raw) as stream:
        file = _BoundedReads(stream)
        with _tar_of(file) as tar:
            for path in safe_files(_tar_members(tar, file, met), packed, limits, system):
                places[path] = folder / str(len(places))
                sizes[path] = _unpack_member(tar, met[-1], places[path])
                progress("unpack", raw.tell(), packed)
    return FileTree(
        name=stem_of(where),
        origin=where.resolve().name,
        sizes=sizes,
        read_raw=lambda path: places[path].read_bytes(),
        remarks=system.remarks(),
    )


def _unpack_member(tar: tarfile.TarFile, info: tarfile.TarInfo, target: Path) -> int:
    """Write one member and return its size."""
    with _extracted(tar, info) as member, target.open("xb") as file:
        shutil.copyfileobj(member, file, 1 << 20)
    size = target.stat().st_size
    if size != info.size:
        raise EOFError(f"the archive ends inside {info.name}")
    return size


def _member_bytes(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    with _extracted(tar, info) as member:
        data = member.read()
    if len(data) != info.size:
        raise EOFError("the archive ends inside it")
    return data


def _extracted(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    member = tar.extractfile(info)
    if member is None:  # safe_files lets ordinary files through only
        raise DatasetError(f"{info.name} is not an ordinary file")
    return member
