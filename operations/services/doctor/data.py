"""Checks of what searches need: files of active indexes and published models, and an index for each of them.

They are quick: names and sizes of all files, checksums of small ones. `manage.py verify` reads every byte.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from backups.services.files import content_of
from backups.services.site import unfinished_restore
from mlcore.artifacts import read_json
from mlcore.errors import StaleIndexError
from mlcore.index import IndexManifest
from mlcore.index.store import MANIFEST
from operations.services.doctor.findings import Check, Finding, failure, ok, warning
from operations.services.doctor.storage import OWNER
from operations.services.doctor.vectors import COLLECTIONS
from retrieval.models import Dataset, Index, Model
from retrieval.pages.services.storage.needed import RULES, NeededFile, place_of
from storage.store import store

SMALL = 16 * 2**20
"""Bytes up to which a file is read for its checksum."""
VERIFY = "Run `python manage.py verify` for a list of all faults"


def restore() -> Iterator[Finding]:
    """Look for a restore that was cut short."""
    if sentence := unfinished_restore():
        seen = f"Database and files may be of different times: {sentence.partition(';')[0]}."
        yield failure(seen, "Run `python manage.py restore FOLDER --force` again before anybody uses the site.")
    else:
        yield ok("No restore was cut short.")


def faults_of(row: Index | Model) -> list[str]:
    """Return what is missing, or not as its row says, of the files of a row."""
    needed = list(RULES[type(row)].files(row))
    key = row.path if isinstance(row, Index) else row.artifact
    stored = {file.path: file for file in store().files(key)}
    faults = []
    for file in needed:
        name = file.path.removeprefix(f"media/{key}/")
        there = stored.get(name)
        if there is None:
            faults.append(f"{name} is missing")
        elif file.bytes is not None and there.bytes != file.bytes:
            faults.append(f"{name} has {there.bytes:,} bytes, not {file.bytes:,}")
        elif file.sha256 and _sha256(file, there.sha256, there.bytes) not in ("", file.sha256):
            faults.append(f"{name} is damaged: its checksum differs")
    return faults


def _sha256(file: NeededFile, stored: str | None, size: int) -> str:
    """Return a file's checksum as the storage says, or of a small one here; empty where neither is to be had."""
    if stored is not None:
        return stored
    return content_of(place_of(file.path)).sha256 if size <= SMALL and not store().is_shared else ""


def _fault_of_manifest(index: Index) -> str:
    """Return why an index's manifest cannot be used; a copy of it is not fetched for this."""
    if store().is_shared:
        return ""
    try:
        manifest = IndexManifest.from_json(read_json(index.folder / MANIFEST))
    except (StaleIndexError, ValueError) as error:
        return f"{MANIFEST} cannot be read: {error}"
    return "" if manifest == IndexManifest.from_json(index.manifest) else f"{MANIFEST} is of another index"


def indexes() -> Iterator[Finding]:
    """Look at the files of active indexes."""
    active, faults = Index.objects.filter(active=True).select_related("model", "dataset"), 0
    for index in active:
        told = faults_of(index)
        if not told and (fault := _fault_of_manifest(index)):
            told = [fault]
        if told:
            faults += 1
            seen = f"Index {index.pk} of {index.model.name} and {index.dataset.name}: {'; '.join(told)}."
            yield failure(seen, f"Build the index anew on the page of that model, or restore a backup. {VERIFY}.")
    if not faults:
        yield ok(f"The files of all {len(active)} active indexes are there.")


def models() -> Iterator[Finding]:
    """Look at the files of published models, and whether each can be searched with."""
    published, faults = Model.objects.filter(published=True, archived_at=None), 0
    for model in published:
        if told := faults_of(model):
            faults += 1
            seen = f"Model {model.pk} ({model.name}): {'; '.join(told)}."
            yield failure(seen, f"Restore its files from a backup, or unpublish it. {VERIFY}.")
    yield from _unsearchable(published)
    if not faults:
        yield ok(f"The files of all {len(published)} published models are there.")


def _unsearchable(published: QuerySet[Model]) -> Iterator[Finding]:
    without = published.exclude(indexes__active=True)
    if without:
        seen = f"Published models have no active index, so searches skip them: {_names(without)}."
        yield warning(seen, "Build an index on the page of each, or unpublish it.")


def datasets() -> Iterator[Finding]:
    """Look for data sets that nobody can search."""
    ready = Dataset.objects.filter(revision__gt=0)
    without = ready.exclude(indexes__active=True)
    if without:
        seen = f"Data sets have no active index, so nobody can search them: {_names(without)}."
        yield warning(seen, "Build an index of each on the page of a model, or delete the data set.")
    else:
        yield ok(f"All {len(ready)} data sets can be searched.")


def _names(rows: Iterable[Any]) -> str:
    names = [f"{row.name} ({row.pk})" for row in rows]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{', '.join(names[:5])}{more}"


FILES = ("storage-owner", "migrations")
CHECKS = (
    Check("restore", "data", restore),
    OWNER,
    Check("indexes", "data", indexes, FILES, seconds=60),
    COLLECTIONS,
    Check("models", "data", models, FILES, seconds=60),
    Check("datasets", "data", datasets, ("migrations",)),
)
