"""A backup is taken while the site runs: the database at one moment, then the files that its rows need.

Files are written before the rows that name them, and go after those rows. So whatever the rows of that moment need was
there at that moment, and the database comes first. What a job deletes while files are copied is missing afterwards:
then the database is read once more, until its rows and the files agree. What is missing both times was missing before.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from backups.errors import BackupError, explained
from backups.services import schema
from backups.services.files import PRIVATE, content_of, copy_file, held, walk, write_synced
from backups.services.ledger import Ledger, opened_ledger
from backups.services.manifest import LEDGER, MANIFEST, OWN, SECRET, UNFINISHED, Manifest, write_list
from backups.services.secret import fingerprint, kept_secret
from backups.services.site import unfinished_restore
from backups.services.tables import Table, one_moment, write_table
from config import places
from config.schema import missing_migrations
from retrieval.pages.services.storage.needed import filled, needed_files, other_places, owned_places
from storage.copies import all_kept
from storage.store import store

ROUNDS = 5
MOST_FAULTS = 1000
PRIVATE_PICTURES = "media/searches/"
NOT_WHOLE = "This backup is not whole yet. If no backup is running, it was cut short: run it again.\n"

Say = Callable[[str], None]


def back_up(folder: Path, say: Say = lambda sentence: None) -> Manifest:
    """Write a whole backup of the site into `folder`, a new or empty one, or one in which a backup was cut short.

    Raises:
        BackupError: the folder cannot be used, the database is not the code's, or the disk is full. What lies in the
            folder then is marked as not whole, and the next backup takes it up.
    """
    folder = folder.absolute().resolve()
    with explained(f"the backup into {folder} is not whole"):
        _check_site()
        _check_folder(folder)
        with held(places.var(), "a restore is running; wait for its end", shared=True), all_kept(), _begun(folder, say):
            with opened_ledger(folder / LEDGER) as ledger:
                read, faults = _read_until_agreed(folder, ledger, say)
                _remove_others(folder, ledger)
                count, size, checksum = write_list(folder, ledger.files())
            os.sync()  # once, for a million small files
            manifest = Manifest(
                created_at=read.moment,
                database=connection.vendor,
                migrations=read.migrations,
                tables=read.tables,
                files=count,
                bytes=size,
                list_sha256=checksum,
                secret=fingerprint(settings.SECRET_KEY),
                faults=faults,
            )
            manifest.write(folder)
        return manifest


def _check_site() -> None:
    if unfinished := unfinished_restore():
        raise BackupError(unfinished)
    if missing := missing_migrations():
        raise BackupError(
            f"the database is older than the code (it lacks {missing[0]}): back up with the code that the site "
            "ran with, or run migrate first"
        )


def _check_folder(folder: Path) -> None:
    for place in (places.media(), places.weights()):
        if folder.is_relative_to(Path(place).resolve()):
            raise BackupError(f"{folder} lies in {place}, which is backed up; choose a folder elsewhere")
    if folder.exists() and not folder.is_dir():
        raise BackupError(f"{folder} is a file; name a folder")
    if not folder.parent.is_dir():
        raise BackupError(f"{folder.parent} is not there; make it first, or correct the path")
    if (folder / MANIFEST).exists():
        raise BackupError(f"{folder} holds a backup already; choose another folder, or remove it first")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / UNFINISHED).exists():
        raise BackupError(f"{folder} is not empty; choose another folder")


@contextmanager
def _begun(folder: Path, say: Say) -> Iterator[None]:
    """Hold the folder, marked as not whole until the block has ended well."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with held(folder, f"another backup is being written into {folder}"):
        with suppress(PermissionError):  # of a disk without owners, as many a stick is
            folder.chmod(0o700)
        if (folder / UNFINISHED).exists():
            say(f"A backup into {folder} was cut short; this one takes it up.")
        write_synced(folder / UNFINISHED, NOT_WHOLE.encode())
        yield
        (folder / UNFINISHED).unlink()


@dataclass(frozen=True)
class _Read:
    """The database as it was read: when, after which migrations, and its tables."""

    moment: str
    migrations: list[schema.Migration]
    tables: list[Table]


def _read_until_agreed(folder: Path, ledger: Ledger, say: Say) -> tuple[_Read, list[str]]:
    """Return what was read, and what was missing or damaged on the site before."""
    faults: list[str] = []
    for number in range(ROUNDS):
        before = faults
        ledger.clear()
        say("Reading the database.")
        read = _read_database(folder, ledger)
        say("Copying files.")
        _copy_files(folder, ledger)
        faults = ledger.faults(MOST_FAULTS + 1)
        if len(faults) > MOST_FAULTS:
            raise BackupError(
                f"more than {MOST_FAULTS} files that rows need are missing or changed, the first: {faults[0]}. "
                "Is this the database's media folder? `manage.py verify` lists all"
            )
        if not faults or (number and faults == before):
            return read, faults
    raise BackupError(f"files went {ROUNDS} times while they were copied, {faults[0]}; try again when no job deletes")


def _read_database(folder: Path, ledger: Ledger) -> _Read:
    (folder / "database").mkdir(mode=0o700, exist_ok=True)
    with one_moment():
        moment, migrations = timezone.now().isoformat(timespec="seconds"), schema.applied_migrations()
        models = schema.stored_models(schema.models_at(migrations))
        tables = [write_table(row, folder) for row in models]
        ledger.need(needed_files())
        ledger.own(owned_places())
    for table in tables:
        ledger.add(table.file, content_of(folder / table.file))
    return _Read(moment, migrations, tables)


def _copy_files(folder: Path, ledger: Ledger) -> None:
    secret = kept_secret()
    if secret is not None:
        _copy_file(folder, ledger, SECRET, secret)
    for top in chain(ledger.places(), other_places()):
        for path, place, is_file in walk(filled(top), top):
            if is_file:
                _copy_file(folder, ledger, path, place)
                if store().is_shared and top.startswith(PRIVATE_PICTURES):
                    place.unlink(missing_ok=True)  # no host has a copy of these


def _copy_file(folder: Path, ledger: Ledger, path: str, place: Path) -> None:
    """Copy a file, unless an earlier round, or a backup that was cut short, has just these bytes; not what vanishes."""
    target = folder / path
    with suppress(FileNotFoundError):
        if target.is_file() and target.stat().st_size == place.stat().st_size:
            copied = content_of(place)
            if copied == content_of(target):
                ledger.add(path, copied)
                return
        ledger.add(path, copy_file(place, target, PRIVATE))


def _remove_others(folder: Path, ledger: Ledger) -> None:
    """Remove what an earlier round copied and the last did not want."""
    for path, place, _ in walk(folder):
        if path not in OWN and not ledger.holds(path):
            place.unlink()
