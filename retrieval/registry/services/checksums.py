"""Checksums of files that never change, computed once and kept in the cache folder."""

import hashlib
from pathlib import Path

from config import places
from mlcore.artifacts import sha256_of_file

SMALL = 4 * 2**20
"""Size in bytes up to which a request computes a checksum, in about 10 ms; a worker reads larger files."""


def checksum_of(file: Path) -> str | None:
    """Return the SHA-256 of a file; None for a large one that no worker has read yet."""
    kept = _place(file)
    if kept.is_file():
        return kept.read_text()
    return keep_checksum(file) if file.stat().st_size <= SMALL else None


def keep_checksum(file: Path) -> str:
    """Compute the SHA-256 of a file, however large, and keep it."""
    kept, checksum = _place(file), sha256_of_file(file)
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = kept.with_suffix(f".{checksum[:8]}")
    scratch.write_text(checksum)
    scratch.replace(kept)
    return checksum


def _place(file: Path) -> Path:
    """Return where the checksum is kept: by path, size and time, so that another file of that name has its own."""
    stat = file.stat()
    name = hashlib.sha256(f"{file}|{stat.st_size}|{stat.st_mtime_ns}".encode()).hexdigest()
    return places.cache() / "checksums" / name
