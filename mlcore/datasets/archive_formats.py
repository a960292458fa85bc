"""The formats of archives that are read, by their names, and refusals that name those which are not."""

import re
from pathlib import Path
from typing import NoReturn

from mlcore.errors import DatasetError

ARCHIVE_SUFFIXES = (
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.zst", ".tzst",
)  # fmt: skip
"""Endings of the names of archives, in small letters."""
ARCHIVES_READ = "zip, tar, tar.gz, tar.bz2, tar.xz or tar.zst"
"""The formats for a sentence."""

_UNREAD = {
    b"Rar!\x1a\x07": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"MSCF": "CAB",
    b"xar!": "XAR",
    b"PK\x07\x08": "a part of a zip in several parts",
}
_PART = re.compile(r"\.(\d{3}|[zr]\d{2})$")
_END_OF_ZIP = b"PK\x05\x06"
_LONGEST_END = 22 + 65_535  # bytes, with its comment


def is_archive_name(name: str) -> bool:
    """Tell by the name whether a file is an archive of a format that is read."""
    return name.casefold().endswith(ARCHIVE_SUFFIXES)


def stem_of(where: Path) -> str:
    """Return an archive's name without its ending."""
    name = where.name
    for suffix in sorted((*ARCHIVE_SUFFIXES, ".gz", ".bz2", ".xz", ".zst"), key=len, reverse=True):
        if name.casefold().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def refuse_unread_format(where: Path) -> None:
    """Refuse a file of a known format that is not read, by its first and last bytes.

    Raises:
        DatasetError: it is RAR, 7z or another such format, or one part of an archive in several.
    """
    with where.open("rb") as file:
        start = file.read(8)
        file.seek(max(0, where.stat().st_size - _LONGEST_END))
        end = file.read(_LONGEST_END)
    for magic, format_name in _UNREAD.items():
        if start.startswith(magic):
            _refuse(where, format_name)
    name = where.name.casefold()
    if _PART.search(name) or (name.endswith(".zip") and _is_last_part(end)):
        _refuse(where, "a part of an archive in several parts")


def _is_last_part(end: bytes) -> bool:
    """Tell by the number of its disk whether a zip's end says that it began in another file."""
    at = end.rfind(_END_OF_ZIP)
    disk = int.from_bytes(end[at + 4 : at + 6], "little")
    return at >= 0 and 0 < disk < 0xFFFF  # all bits set refers to the ZIP64 record


def _refuse(where: Path, format_name: str) -> NoReturn:
    raise DatasetError(
        f"{where.name} is {format_name}, which is not read; unpack it and import the folder, or pack the pictures as "
        f"{ARCHIVES_READ}"
    )
