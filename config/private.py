"""Permissions of files and folders that only the site's user may read, set at each start."""

import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private_folder(folder: Path) -> Path:
    """Return the folder, created if missing, closed to other users of the machine."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _closed(folder)


def keep_private_file(file: Path) -> Path:
    """Return the file, created empty if missing, closed to other users of the machine.

    SQLite gives files beside its database the permissions of the database.
    """
    file.touch(mode=0o600)
    for path in file.parent.glob(f"{file.name}-*"):
        _closed(path)
    return _closed(file)


def _closed(path: Path) -> Path:
    mode = path.stat().st_mode
    if mode & OTHERS:
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)
    return path
