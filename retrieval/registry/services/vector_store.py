"""The vector store of this site (`VECTOR_STORE_URL`): which collection an index has there, and which ones may go.

An index that is built while it is set is a collection in the store; others are read from their folder, as before. The
active row decides which collection is searched, so one commit switches every host. An alias for each model and data set
follows it, for people who read the store by other means. Every collection has a name of its own, which is never used
again: what fills one can harm no other.
"""

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from config.errors import Rejected
from config.pauses import Pause
from mlcore.errors import EngineAway, MlcoreError, StaleIndexError, VectorIndexError
from mlcore.index import IndexManifest
from mlcore.index.engine import SearchableVectors, VectorEngine, open_engine
from mlcore.index.engine_build import fill, open_collection
from retrieval.errors import VectorsAway
from retrieval.models import Dataset, DeletedImage, Index
from storage.models import Site

logger = logging.getLogger(__name__)

pause = Pause()

LOOKED, LOOK_SECONDS = "collections-looked-for", 60


@lru_cache
def _engine_at(url: str) -> VectorEngine:
    return open_engine(url)


def engine() -> VectorEngine | None:
    """Return the vector store of this site; None where indexes are read from their folders.

    Raises:
        VectorIndexError: `VECTOR_STORE_URL` cannot be read.
    """
    return _engine_at(settings.VECTOR_STORE_URL) if settings.VECTOR_STORE_URL else None


def fault_of_url() -> str:
    """Return what is wrong with `VECTOR_STORE_URL`, "" for nothing."""
    try:
        engine()
    except VectorIndexError as error:
        return str(error)
    return ""


def engine_of(index: Index) -> VectorEngine:
    """Return the vector store that has the collection of an index.

    Raises:
        VectorsAway: this process is not told of it.
    """
    found, name = engine(), IndexManifest.from_json(index.manifest).engine
    if found is None or found.name != name:
        raise VectorsAway(f"an index is in {name}, and VECTOR_STORE_URL does not name it; a curator can build it anew")
    return found


def vectors_of(index: Index) -> SearchableVectors:
    """Return the collection of an index, to be searched. Raises as `engine_of`."""
    return open_collection(
        engine_of(index), replace(IndexManifest.from_json(index.manifest), collection=index.collection)
    )


@contextmanager
def asked(failure: str) -> Iterator[None]:
    """Turn the silence of the vector store into an error that can be shown; the log has its address.

    failure: what cannot be done, as the beginning of a sentence. Then one caller at a time asks again.
    """
    away = VectorsAway(f"{failure} now: the vector store does not answer; try again in a moment")
    if not pause.may_ask():
        raise away
    try:
        yield
        pause.end()
    except EngineAway as error:
        pause.begin()
        logger.warning("%s: %s", failure, error)
        raise away from error


def check_store() -> None:
    """Raise EngineAway where the vector store does not answer; where none is set, all is well."""
    found = engine()
    if found is not None:
        found.check()


# --- names: letters, digits and underscores


def _prefix() -> str:
    """Return how the names of this site's collections begin; a store may hold those of others."""
    return f"kindred_{Site.own().pk.hex[:12]}_"


def collection_name(folder: Path) -> str:
    """Return a new name for a collection of an index, by its folder and the time."""
    job = folder.name.replace("-", "_")
    return f"{_prefix()}{folder.parent.name}_{job}_{int(time.time())}_{secrets.token_hex(3)}"


def _made_at(collection: str) -> int:
    """Return when a name was made, in seconds; 0 where it does not say."""
    parts = collection.split("_")
    return int(parts[-2]) if len(parts) > 2 and parts[-2].isdecimal() else 0


def alias_name(index: Index) -> str:
    """Return the alias of the active collection of a model and data set."""
    return f"{_prefix()}model_{index.model_id}_dataset_{index.dataset_id}"


# --- the life of a collection


def is_there(index: Index) -> bool:
    """Say whether the vector store holds what an index searches; true for one that is read from its folder.

    Raises:
        VectorsAway: the store does not answer.
    """
    if not index.is_in_vector_store:
        return True
    with asked(f"index {index.pk} cannot be looked for"):
        return bool(index.collection) and index.collection in engine_of(index).collections(index.collection)


def fill_again(index: Index) -> None:
    """Make the collection of an index again, under a new name, from the vectors in its folder; then let it be searched.

    Raises:
        VectorsAway: the store does not answer.
        Rejected: the files of the index are damaged.
    """
    store, folder = engine_of(index), index.folder
    name = collection_name(folder)
    with asked(f"index {index.pk} cannot be filled"):
        try:
            fill(store, name, folder)
        except (StaleIndexError, OSError) as error:
            raise Rejected(f"index {index.pk} of {index.model.name} cannot be read: {error}") from error
        store.remove(name, _deleted_since(index))
    Index.objects.filter(pk=index.pk).update(collection=name)
    index.collection = name


def complete(index: Index) -> None:
    """See that a new index has its collection, without pictures that were deleted while it was built.

    A job that is tried again finds the files of an attempt before, whose collection may be gone.
    Raises as `fill_again`.
    """
    if not index.is_in_vector_store:
        return
    if not is_there(index):
        fill_again(index)
    elif keys := _deleted_since(index):
        with asked(f"index {index.pk} cannot be completed"):
            engine_of(index).remove(index.collection, keys)


def point_alias(index: Index) -> None:
    """Let the alias of its model and data set name the collection of an index; no search of this site needs it."""
    if not index.collection:
        return
    try:
        with asked(f"the alias of index {index.pk} cannot be moved"):
            engine_of(index).point(alias_name(index), index.collection)
    except (VectorsAway, MlcoreError) as error:
        logger.warning("%s", error)


def remove_deleted(dataset: Dataset, *, by: User | None) -> None:
    """Remove the pictures that a revision deleted from every collection; called after each, in its transaction.

    No search shows them in any case. Where the store does not answer, they go with the collection: the next index is
    built without them.
    """
    revision, stored = dataset.revision, Index.objects.filter(dataset=dataset).exclude(collection="")
    gone = DeletedImage.objects.filter(dataset=dataset, revision=revision)
    keys = list(gone.order_by("key").values_list("key", flat=True)) if stored.exists() else []
    if keys:
        transaction.on_commit(lambda: _remove(list(stored), keys))


def _remove(indexes: Sequence[Index], keys: Sequence[int]) -> None:
    try:
        for index in indexes:
            with asked(f"deleted pictures cannot be removed from index {index.pk}"):
                engine_of(index).remove(index.collection, keys)
    except (VectorsAway, MlcoreError) as error:
        logger.warning("%s; they go with the collection", error)


def _deleted_since(index: Index) -> list[int]:
    gone = DeletedImage.objects.filter(dataset=index.dataset_id, revision__gt=index.revision)
    return list(gone.order_by("key").values_list("key", flat=True))


def drop_unneeded(now: datetime) -> None:
    """Drop collections of this site that nobody needs, each OLD_COLLECTION_HOURS after its time.

    These are of indexes that another one replaced, that were deleted, or never became active, and what builds left.
    """
    if (found := engine()) is None or not cache.add(LOOKED, True, LOOK_SECONDS):
        return
    limit = now - timedelta(hours=settings.OLD_COLLECTION_HOURS)
    try:
        with asked("unneeded collections cannot be dropped"):
            there = found.collections(_prefix())  # first: what is filled from now on is not looked at
            old = Q(retired_at__lt=limit) | Q(retired_at=None, created_at__lt=limit)
            Index.objects.filter(old, active=False).exclude(collection="").update(collection="")
            needed = set(Index.objects.exclude(collection="").values_list("collection", flat=True))
            for name in there:
                if name not in needed and _made_at(name) < limit.timestamp():
                    found.drop(name)
                    logger.info("collection %s is dropped", name)
    except (VectorsAway, MlcoreError) as error:
        logger.warning("%s", error)
