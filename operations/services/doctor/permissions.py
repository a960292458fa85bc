"""Checks of who owns the site's folders and files, and who may read and write them."""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from config import places
from config.places import OTHERS
from operations.services.doctor.findings import Check, Finding, failure, ok, warning

ROOT = 0


def _private() -> list[Path]:
    """Return the folders and files that nobody but the site's user may read."""
    every = [places.media(), places.cache(), Path(settings.EMAIL_FILE_PATH), places.var() / "secret_key"]
    if broker := getattr(settings, "BROKER_DIR", None):
        every.append(Path(broker))
    return [path for path in [*every, *_database_files()] if path.exists()]


def _database_files() -> list[Path]:
    """Return SQLite's file and those beside it."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    file = Path(str(database["NAME"]))
    return [file, *(file.with_name(f"{file.name}{ending}") for ending in ("-wal", "-shm"))] if file.is_file() else []


def user() -> Iterator[Finding]:
    """Say as whom doctor runs, and whether the site's files are that user's."""
    me, var = os.geteuid(), places.var()
    owner = var.stat().st_uid
    if me == ROOT and owner != ROOT:
        do = f"Run it, and every other command of the site, as that user: `sudo -u {_name(owner)} ...`."
        yield warning(f"This is root, but {var} belongs to {_name(owner)}.", do)
    elif me == ROOT:
        do = f"Make a user for the site, let it own {var}, and run all processes as that user."
        yield warning("The site runs as root: a fault in it may change the whole machine.", do)
    elif me != owner:
        do = f"Run as {_name(owner)}, or `chown -R {_name(me)} {var}`."
        yield failure(f"This is {_name(me)}, but {var} belongs to {_name(owner)}.", do)
    else:
        yield ok(f"{var} belongs to {_name(me)}, as whom this runs.")


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def files() -> Iterator[Finding]:
    """Look at the owner and the rights of each folder and file that the site needs."""
    var, faults = places.var(), 0
    owner = var.stat().st_uid
    private = _private()
    for path in [var, *private]:
        for finding in _faults_of(path, owner, is_private=path in private):
            faults += 1
            yield finding
    if not faults:
        yield ok(f"{var} and what is private in it can be written by its owner, and read by nobody else.")


def _faults_of(path: Path, owner: int, *, is_private: bool) -> Iterator[Finding]:
    status = path.stat()
    mode, needed = stat.S_IMODE(status.st_mode), stat.S_IRWXU if path.is_dir() else stat.S_IRUSR | stat.S_IWUSR
    if status.st_uid != owner:
        seen = f"{path} belongs to {_name(status.st_uid)}, the folder of the site to {_name(owner)}."
        yield failure(seen, f"Run `chown {_name(owner)} {path}`; run every command as {_name(owner)}.")
    elif mode & needed != needed:
        right = "u+rwx" if path.is_dir() else "u+rw"
        seen = f"{path} has the rights {mode:04o}: the site cannot read and write it."
        yield failure(seen, f"Run `chmod {right} {path}`.")
    elif not os.access(path, os.R_OK | os.W_OK):
        yield failure(f"{path} cannot be written.", "See whether its disk is mounted read-only: `findmnt -T PATH`.")
    if is_private and mode & OTHERS:
        seen = f"{path} has the rights {mode:04o}: other users of this machine may read it."
        yield failure(seen, f"Run `chmod go-rwx {path}`.")


CHECKS = (Check("user", "permissions", user), Check("files", "permissions", files))
