"""A restore: everything is proven and laid ready beside the site's files before anything of the site changes.

Then the database is replaced in one transaction, and the files by renaming. Between the two a marker says that they
may be of different times; whoever dies there runs the restore again.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.models import User
from backups.errors import BackupError, explained
from backups.services import schema, secret
from backups.services.checking import compared, opened
from backups.services.files import USUAL, Copied, Walked, content_of, copy_file, held
from backups.services.manifest import SECRET, Manifest
from backups.services.site import mark_finished, mark_unfinished, unfinished_restore
from backups.services.tables import load_table
from config import places
from jobs import scratch, sweeper
from jobs.models import Job
from retrieval.models import Dataset
from retrieval.pages.services.storage.needed import place_of, settle_restored_files
from storage.models import Site
from storage.store import store

STAGING = ".restore"
TOPS = ("media", "weights")

Say = Callable[[str], None]


def restore(folder: Path, *, force: bool = False, say: Say = lambda sentence: None) -> tuple[Manifest, list[str]]:
    """Replace the site by a backup, whatever database that was taken of; return its manifest, and what to know.

    Raises:
        BackupError: the backup is not whole or of newer code, the site has data and `force` is not given, or jobs
            run. Until the database is replaced, nothing of the site has changed.
    """
    folder = folder.absolute().resolve()
    with explained(f"{folder} is not restored"), held(places.var(), "a backup or restore is running"):
        manifest = opened(folder)
        schema.check_known(manifest.migrations, f"the backup in {folder}")
        _check_site(force)
        key = _read_secret(folder)
        with _staging():
            say("Checking the backup.")
            _lay_ready(folder, manifest)
            os.sync()  # what the database will need is safe on disk before it is replaced
            cache.clear()
            say("Replacing the database.")
            _replace_database(folder, manifest)
            say("Replacing the files.")
            for top in TOPS:
                _switch(place_of(top))
        notes = _settle(manifest, secret.warning_of(manifest.secret, key, folder))
        secret.put_back(key)
        os.sync()
        mark_finished()
        return manifest, notes


def _check_site(force: bool) -> None:
    """Refuse a site in use, or with data that nobody gave up, or whose files are elsewhere."""
    if store().is_shared:
        raise BackupError(
            "STORAGE_URL is set, and a backup holds the files of one machine: restore without it, then move"
        )
    there = set(connection.introspection.table_names())
    if Job._meta.db_table in there:
        limit = timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS)
        running = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__gt=limit).values_list("pk", flat=True)[:3]
        if running:
            raise BackupError(f"job {running[0]} is running; stop the site and its workers, then try again")
    rows = any(row._meta.db_table in there and row.objects.exists() for row in (User, Dataset))
    if not force and (rows or any(_visible(place_of("media")))):
        raise BackupError("the site has data, which a restore replaces; add --force if they may go")


def _visible(place: Path) -> Iterator[Path]:
    return (child for child in place.iterdir() if not child.name.startswith(".")) if place.is_dir() else iter(())


def _read_secret(folder: Path) -> bytes | None:
    place = folder / SECRET
    return place.read_bytes() if place.is_file() and not place.is_symlink() else None


@contextmanager
def _staging() -> Iterator[None]:
    """Empty the folders in which files are laid ready, before and after."""
    for top in TOPS:
        shutil.rmtree(place_of(top) / STAGING, ignore_errors=True)
    try:
        yield
    finally:
        for top in TOPS:
            shutil.rmtree(place_of(top) / STAGING, ignore_errors=True)


def _lay_ready(folder: Path, manifest: Manifest) -> None:
    """Copy the files beside those of the site, and prove every byte of the backup while reading it."""

    def read(found: Walked) -> Copied:
        top, _, rest = found.path.partition("/")
        if top in TOPS:
            return copy_file(found.place, place_of(top) / STAGING / "new" / rest, USUAL)
        return content_of(found.place)

    fault = next(compared(folder, manifest, read), None)
    if fault:
        raise BackupError(f"the backup in {folder} is not whole: {fault}. Nothing was changed; take another backup")


def _replace_database(folder: Path, manifest: Manifest) -> None:
    before = unfinished_restore()
    try:
        with schema.replaced_database(manifest.migrations) as apps:
            for table in manifest.tables:
                load_table(table, apps, folder)
            schema.migrate_to_code()
            mark_unfinished(folder)  # the last thing before the commit
    except BaseException:
        if not before:
            mark_finished()  # the database is as it was
        raise


def _switch(place: Path) -> None:
    """Put the files that lie ready in place of the site's own."""
    old, new = place / STAGING / "old", place / STAGING / "new"
    place.mkdir(parents=True, exist_ok=True)
    old.mkdir(parents=True, exist_ok=True)
    for child in list(place.iterdir()):
        if child.name != STAGING:
            child.rename(old / child.name)
    for child in list(new.iterdir()) if new.is_dir() else []:
        child.rename(place / child.name)


def _settle(manifest: Manifest, warning: str) -> list[str]:
    """Let what the replaced site left beside database and files go; return what to know."""
    shutil.rmtree(scratch.root(), ignore_errors=True)  # of jobs that had the same numbers
    sweeper.give_back_all(timezone.now())
    Site.objects.update(id=uuid.uuid4())  # of its own: the site of the backup may go on, with collections by its name
    notes = [f"{fault} (already when the backup was made)" for fault in manifest.faults]
    return [*notes, *settle_restored_files(), *filter(None, [warning])]
