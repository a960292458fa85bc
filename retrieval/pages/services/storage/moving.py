"""All files of a site, copied from its storage to another, and read there to the end."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from retrieval.datasets.services.catalogue import ABOUT
from retrieval.models import Dataset, Index, Model, Report, Search
from retrieval.models.upload import UPLOADS
from retrieval.pages.services.storage.needed import images_of
from storage.errors import StoredDamaged
from storage.store import FILLED, WEIGHTS, Store

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
        yield from (image.storage_key for image in images_of(dataset))
    yield from Model.objects.order_by("pk").values_list("artifact", flat=True)
    for index in Index.objects.order_by("pk").iterator(chunk_size=CHUNK):
        yield index.path
        if store.has(index.map_key):
            yield index.map_key
    yield from Report.objects.order_by("pk").values_list("path", flat=True)
    own = Search.stored.filter(root=None, query_image=None).order_by("pk").only("pk", "root")
    yield from (search.upload_key for search in own.iterator(chunk_size=CHUNK))
    yield from (found.key for found in store.below(UPLOADS))


def move(source: Store, target: Store, say: Say) -> Moved:
    """Copy everything to `target`, then read it there. Run again after a stop: what is there is not copied again.

    Files stay in the source. Of two storages one is a folder of this machine: copies pass through it.
    """
    copied, there, missing, keys = 0, 0, list[str](), list[str]()
    for key in (part for whole in stored_keys(source) for part in _parts(whole, source)):
        if target.is_shared and target.has(key):
            there += 1
        elif source.local_copy(key).exists():
            target.put(key)
            copied += 1
            if copied % 1000 == 0:
                say(f"{copied:,} copied")
        else:
            missing.append(f"{key} is missing in the storage that the site uses now")
            continue
        keys.append(key)
    say(f"{copied:,} copied, {there:,} were there; reading all of it")
    return Moved(copied, there, [*missing, *faults_of(target, keys)])


def faults_of(store: Store, keys: Iterable[str]) -> Iterator[str]:
    """Read what is stored under these keys to its end; yield a sentence for each that is missing or damaged."""
    for key in (part for whole in keys for part in _parts(whole, store)):
        try:
            store.verify(key)
        except (FileNotFoundError, StoredDamaged) as error:
            yield str(error)


def _parts(key: str, store: Store) -> list[str]:
    """Return the keys that are stored for one."""
    return [f"{key}/{file.path}" for file in store.files(key)] if key.startswith(FILLED) else [key]
