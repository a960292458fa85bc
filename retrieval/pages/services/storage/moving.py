"""All files of a site, copied from its storage to another, and read there to the end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from retrieval.datasets.services.catalogue import ABOUT
from retrieval.models import Dataset, Image, Index, Model, Report, Search
from retrieval.models.upload import UPLOADS
from storage.errors import StoredDamaged
from storage.store import WEIGHTS, Store

CHUNK = 2000  # rows in memory

Say = Callable[[str], None]


@dataclass(frozen=True)
class Moved:
    """How many files and folders were copied, and were there already; sentences about those that could not be."""

    copied: int
    there: int
    faults: list[str]


def stored_keys(store: Store) -> Iterator[str]:
    """Yield the keys of all files and folders that rows or people need; what is made again when needed is left out."""
    yield from (found.key for found in store.below(WEIGHTS.rstrip("/")))
    for dataset in Dataset.objects.filter(revision__gt=0):
        yield f"{dataset.storage_key}/{ABOUT}"
        yield from (image.storage_key for image in _images(dataset).iterator(chunk_size=CHUNK))
    yield from Model.objects.order_by("pk").values_list("artifact", flat=True)
    for index in Index.objects.order_by("pk").iterator(chunk_size=CHUNK):
        yield index.path
        if store.has(index.map_key):
            yield index.map_key
    yield from Report.objects.order_by("pk").values_list("path", flat=True)
    own = Search.stored.filter(root=None, query_image=None).order_by("pk").only("pk", "root")
    yield from (search.upload_key for search in own.iterator(chunk_size=CHUNK))
    yield from (found.key for found in store.below(UPLOADS))


def _images(dataset: Dataset) -> "QuerySet[Image]":
    return dataset.images.order_by("pk").only("path", "dataset").prefetch_related("dataset")


def move(source: Store, target: Store, say: Say) -> Moved:
    """Copy everything to `target`, then read it there. Run again after a stop: what is there is not copied again.

    Files stay in the source. Of two storages one is a folder of this machine: copies pass through it.
    """
    copied, there, faults, keys = 0, 0, list[str](), list[str]()
    for key in stored_keys(source):
        keys.append(key)
        if target.is_shared and target.has(key):
            there += 1
            continue
        place = source.refreshed(key) if _is_filled(key) else source.local_copy(key)
        if not place.exists():
            faults.append(f"{key} is missing in the storage that the site uses now")
            keys.pop()
            continue
        for part in _parts(key, source):
            target.put(part)
        copied += 1
        if copied % 1000 == 0:
            say(f"{copied:,} copied")
    say(f"{copied:,} copied, {there:,} were there; reading all of it")
    for key in keys:
        for part in _parts(key, target):
            try:
                target.verify(part)
            except (FileNotFoundError, StoredDamaged) as error:
                faults.append(str(error))
    return Moved(copied, there, faults)


def _is_filled(key: str) -> bool:
    """Say whether it is the folder of an upload, whose files are stored one by one."""
    return key.startswith(f"{UPLOADS}/folder-")


def _parts(key: str, store: Store) -> list[str]:
    """Return the keys that are stored for one."""
    if not _is_filled(key):
        return [key]
    folder = store.refreshed(key)
    return [f"{key}/{file.relative_to(folder).as_posix()}" for file in sorted(folder.rglob("*")) if file.is_file()]
