"""Files of a directory, zip, tar or tar.gz, read by name; archives are checked before anything is read."""

import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mlcore.datasets.filetree import (
    DAMAGE,
    LIMITS,
    ArchiveLimits,
    FileTree,
    Member,
    is_system_file,
    safe_files,
    stem_of,
)
from mlcore.datasets.tars import tar_tree, unpacked_tree
from mlcore.errors import DatasetError
from mlcore.events import Progress, no_progress


@contextmanager
def open_tree(where: Path, *, limits: ArchiveLimits = LIMITS, progress: Progress = no_progress) -> Iterator[FileTree]:
    """Yield the files of a directory, zip, tar or tar.gz.

    A tar.gz cannot be read by name, so its checked members are first unpacked into a
    temporary folder, under numbers instead of their own names.

    Raises:
        DatasetError: nothing is there, it is none of these, or it is unsafe.
    """
    with ExitStack() as stack:
        # The yield stays outside: what the caller raises is not a fault of the archive.
        with _faults_named(where):
            if where.is_dir():
                tree = _directory_tree(where)
            elif zipfile.is_zipfile(where):
                tree = _zip_tree(stack.enter_context(zipfile.ZipFile(where)), where, limits)
            elif _is_gzip(where):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kindred-unpack-"))
                tree = unpacked_tree(where, Path(folder), limits, progress)
            else:
                tree = tar_tree(stack, where, limits)
        yield tree


@contextmanager
def _faults_named(where: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DatasetError(f"there is no directory or archive named {where.name}") from None
    except DAMAGE as error:
        raise DatasetError(f"{where.name} cannot be read as a directory, zip, tar or tar.gz: {error}") from error


def _directory_tree(folder: Path) -> FileTree:
    sizes: dict[str, int] = {}
    skipped: list[tuple[str, str]] = []
    for parent, subfolders, names in os.walk(folder):
        base = Path(parent)
        subfolders[:] = [name for name in subfolders if not is_system_file(name)]
        for name in [*names, *(name for name in subfolders if (base / name).is_symlink())]:
            file = base / name
            path = file.relative_to(folder).as_posix()
            if is_system_file(path):
                continue
            if file.is_symlink() or not file.is_file():
                skipped.append((path, "is a link or a device; links are not followed"))
            else:
                sizes[path] = file.stat().st_size
    name = folder.resolve().name
    return FileTree(name, name, sizes, lambda path: (folder / path).read_bytes(), tuple(sorted(skipped)))


def _zip_tree(archive: zipfile.ZipFile, where: Path, limits: ArchiveLimits) -> FileTree:
    infos = archive.infolist()
    files = set(safe_files(map(_zip_member, infos), where.stat().st_size, limits))
    sizes = {info.filename: info.file_size for info in infos if info.filename in files}
    return FileTree(stem_of(where), where.resolve().name, sizes, archive.read)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 when packed on a system without such modes
    # orig_filename is what the archive says; filename is already cut at a zero byte.
    is_folder = info.orig_filename.endswith("/")
    return Member(info.orig_filename, info.file_size, is_folder, kind in (0, stat.S_IFREG) and not is_folder)


def _is_gzip(where: Path) -> bool:
    with where.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"
