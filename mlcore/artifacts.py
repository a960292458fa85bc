"""Atomic writes of folders and files, and their SHA-256 checksums."""

import glob
import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def published(target: Path) -> Iterator[Path]:
    """Yield a scratch folder that becomes `target` only on success.

    Readers never see a half-written folder: the rename is the last step, on the same
    file system. Scratch folders left by a killed process of this host are removed first.

    Raises:
        FileExistsError: `target` is already there; what is published never changes.
    """
    refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_overs(target)
    scratch = Path(tempfile.mkdtemp(prefix=f"{_prefix(target)}{os.getpid()}-", dir=target.parent))
    try:
        yield scratch
        scratch.chmod(0o755)  # mkdtemp makes 0700; the web user reads this too
        _rename_whole(scratch, target)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def refuse_existing(target: Path) -> None:
    """Raise FileExistsError, with a sentence, where `target` is already there."""
    if target.exists():
        raise FileExistsError(f"{target} is already there; choose another folder")


def _rename_whole(scratch: Path, target: Path) -> None:
    try:
        scratch.rename(target)
    except OSError:
        refuse_existing(target)  # another process published it meanwhile
        raise


def _prefix(target: Path) -> str:
    return f".{target.name}-{socket.gethostname()}-"


def _remove_left_overs(target: Path) -> None:
    """Remove scratch folders of `target` whose process on this host is gone."""
    prefix = _prefix(target)
    for folder in target.parent.glob(f"{glob.escape(prefix)}*"):
        owner = folder.name.removeprefix(prefix).split("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives and is somebody else's
        return True
    return True


def allocate(path: Path, size: int) -> None:
    """Give the first `size` bytes of a file their place on the disk, as is needed before a mapped file is written.

    A full disk ends a process that writes to a hole of one, without an exception. Where the system knows no such
    call (macOS), nothing is done.

    Raises:
        OSError: there is no room.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def sha256_of_file(path: Path) -> str:
    """Return the hex SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write `value` beside `path` and rename it over: a reader sees the old or the new, whole."""
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")
    scratch.replace(path)


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old or the new, whole, whichever of several processes write it at once."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        file.write(data)
    scratch = Path(file.name)
    scratch.chmod(mode)
    scratch.replace(path)


def read_json(path: Path) -> Any:
    """Return the value stored by `write_json`."""
    return json.loads(path.read_text())
