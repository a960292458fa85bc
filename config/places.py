"""Where the site keeps its files, closed to other users of the machine. Every path of a stored file begins here."""

import stat
from pathlib import Path

from django.conf import settings

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def media() -> Path:
    """Return the folder of what people and jobs store: pictures, models, indexes, reports, uploads."""
    return Path(settings.MEDIA_ROOT)


def weights() -> Path:
    """Return the folder of weights that experiments may start from."""
    return Path(settings.WEIGHTS_DIR)


def cache() -> Path:
    """Return the folder of what can be computed again: decoded pictures, features, step times, checksums."""
    return Path(settings.CACHE_DIR)


def var() -> Path:
    """Return the folder of everything that the site writes."""
    return Path(settings.VAR_DIR)


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
