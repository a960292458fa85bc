"""Zip archives: read in place, by the names that people meant."""

import stat
import zipfile
from contextlib import suppress
from pathlib import Path

from mlcore.datasets.archive_formats import stem_of
from mlcore.datasets.filetree import ArchiveLimits, FileTree, Member, safe_files
from mlcore.datasets.system_files import SystemFiles
from mlcore.errors import DatasetError

_READ = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_METHODS = {
    1: "Shrink", 2: "Reduce", 3: "Reduce", 4: "Reduce", 5: "Reduce", 6: "Implode", 9: "Deflate64", 10: "DCL Implode",
    93: "Zstandard", 95: "XZ", 96: "JPEG recompression", 97: "WavPack", 98: "PPMd",
}  # fmt: skip
_ENCRYPTED, _NAME_IS_UTF8 = 0x1, 0x800  # bits of an entry's flags


def zip_tree(archive: zipfile.ZipFile, where: Path, limits: ArchiveLimits) -> FileTree:
    """Return the files of a zip, read in place.

    Raises:
        DatasetError: it is unsafe, has a password, or is packed by a method that is not read.
    """
    infos = [(_path_of(info), info) for info in archive.infolist()]
    _refuse_unreadable([info for _, info in infos], where)
    system = SystemFiles()
    members = (_member(path, info) for path, info in infos)
    files = set(safe_files(members, where.stat().st_size, limits, system))
    by_path = {path: info for path, info in infos if path in files}
    return FileTree(
        name=stem_of(where),
        origin=where.resolve().name,
        sizes={path: info.file_size for path, info in by_path.items()},
        read_raw=lambda path: archive.read(by_path[path]),
        remarks=system.remarks(),
    )


def _path_of(info: zipfile.ZipInfo) -> str:
    """Return an entry's path, with "/" between folders.

    Windows PowerShell 5 writes backslashes. Macs write UTF-8 without saying so, which zipfile then takes for the
    old code page 437.
    """
    name = info.orig_filename  # what the archive says; `filename` is already cut at a zero byte
    if not info.flag_bits & _NAME_IS_UTF8 and not name.isascii():
        with suppress(UnicodeError):  # it is of another code page, which nothing names
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _member(path: str, info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 when packed on a system without such modes
    is_folder = path.endswith("/")
    return Member(path, info.file_size, is_folder, kind in (0, stat.S_IFREG) and not is_folder)


def _refuse_unreadable(infos: list[zipfile.ZipInfo], where: Path) -> None:
    if any(info.flag_bits & _ENCRYPTED for info in infos):
        raise DatasetError(
            f"{where.name} is encrypted with a password, and no password can be given here; unpack it and import the "
            "folder, or pack the pictures again without a password"
        )
    method = next((info.compress_type for info in infos if info.compress_type not in _READ), None)
    if method is not None:
        name = _METHODS.get(method, f"method {method}")
        raise DatasetError(
            f"{where.name} is compressed by {name}, which is not read; unpack it and import the folder, or pack it "
            "again by Deflate, the usual method of zip"
        )
