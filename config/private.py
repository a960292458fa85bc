"""Files and folders that only the user of the site may read, made so at each start, also those of before."""

import stat
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private_folder(folder: Path) -> Path:
    """Return the folder, made if it was not there, closed to other users of the machine."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _closed(folder)


def keep_private_file(file: Path) -> Path:
    """Return the file, made empty if it was not there, closed to other users of the machine.

    What SQLite writes beside its database gets the permissions of the database.
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
