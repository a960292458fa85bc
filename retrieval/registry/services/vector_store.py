"""The vector store of this site (`VECTOR_STORE_URL`): which collection an index has there, and which ones may go.

An index that is built while it is set is a collection in the store; others are read from their folder, as before. The
active row decides which collection is searched, so one commit switches every host. An alias for each model and data set
follows it, for people who read the store by other means.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from accounts.models import User
from jobs.models import Job
from mlcore.errors import EngineAway, MlcoreError, VectorIndexError
from mlcore.index import IndexManifest
from mlcore.index.engine import SearchableVectors, VectorEngine, open_engine
from mlcore.index.engine_build import open_collection
from retrieval.errors import VectorsAway
from retrieval.models import Dataset, DeletedImage, Index
from storage.models import Site

logger = logging.getLogger(__name__)

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


def engine_of(manifest: IndexManifest) -> VectorEngine:
    """Return the vector store that has the collection of an index.

    Raises:
        EngineAway: this process is not told of it.
    """
    found = engine()
    if found is None or found.name != manifest.engine:
        raise EngineAway(f"this index is in {manifest.engine}, and VECTOR_STORE_URL does not name it")
    return found


def collection_vectors(manifest: IndexManifest) -> SearchableVectors:
    """Return the collection of an index, to be searched. Raises as `engine_of`."""
    return open_collection(engine_of(manifest), manifest)


@contextmanager
def asked(what: str) -> Iterator[None]:
    """Turn the silence of the vector store into an error that can be shown; the log has its address."""
    try:
        yield
    except EngineAway as error:
        logger.warning("%s: %s", what, error)
        raise VectorsAway(
            f"{what} cannot be searched now: the vector store does not answer; try again in a moment"
        ) from error


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
    """Return the name of the collection of an index, by its folder."""
    return f"{_prefix()}{folder.parent.name}_{folder.name.replace('-', '_')}"


def alias_name(index: Index) -> str:
    """Return the alias of the active collection of a model and data set."""
    return f"{_prefix()}model_{index.model_id}_dataset_{index.dataset_id}"


# --- the life of a collection


def is_there(index: Index) -> bool:
    """Say whether the vector store holds what an index searches; true for one that is read from its folder.

    Raises:
        VectorsAway: the store does not answer.
    """
    manifest = IndexManifest.from_json(index.manifest)
    if not manifest.collection:
        return True
    with asked(f"index {index.pk}"):
        return bool(index.collection) and index.collection in engine_of(manifest).collections(index.collection)


def point_alias(index: Index) -> None:
    """Let the alias of its model and data set name the collection of an index, if it has one.

    Raises:
        VectorsAway: the store does not answer.
    """
    if index.collection:
        with asked(f"index {index.pk}"):
            engine_of(IndexManifest.from_json(index.manifest)).point(alias_name(index), index.collection)


def remove_deleted(dataset: Dataset, *, by: User | None) -> None:
    """Remove pictures of a data set that were deleted from every collection; called after each revision.

    No search shows them in any case. Where the store does not answer, they go with the collection: the next index is
    built without them.
    """
    transaction.on_commit(lambda: _remove_deleted(dataset))


def _remove_deleted(dataset: Dataset) -> None:
    for index in Index.objects.filter(dataset=dataset).exclude(collection=""):
        gone = DeletedImage.objects.filter(dataset=dataset, revision__gt=index.revision)
        keys = list(gone.order_by("key").values_list("key", flat=True))
        if not keys:
            continue
        try:
            engine_of(IndexManifest.from_json(index.manifest)).remove(index.collection, keys)
        except MlcoreError as error:
            logger.warning("deleted pictures stay in collection %s until it goes: %s", index.collection, error)


def drop_unneeded(now: datetime) -> None:
    """Drop collections of this site that nobody needs: of indexes that were deleted, or replaced a while ago, and what
    jobs that ended left behind."""
    if (found := engine()) is None or not cache.add(LOOKED, True, LOOK_SECONDS):
        return
    try:
        there = found.collections(_prefix())
    except EngineAway as error:
        logger.info("no collection is dropped now: %s", error)
        return
    if not there:
        return
    replaced = Index.objects.filter(retired_at__lt=now - timedelta(hours=settings.OLD_COLLECTION_HOURS), active=False)
    going = set(replaced.exclude(collection="").values_list("collection", flat=True))
    replaced.update(collection="")  # first: an index that names a collection has one
    needed = set(Index.objects.exclude(collection="").values_list("collection", flat=True))
    running = set(Job.objects.filter(kind="index", state__in=Job.ACTIVE).values_list("pk", flat=True))
    going |= {name for name in there if name not in needed and _job_of(name) not in running}
    for name in sorted(going.intersection(there)):
        try:
            found.drop(name)
        except EngineAway as error:
            logger.warning("collection %s is dropped later: %s", name, error)
            return
        logger.info("collection %s is dropped", name)


def _job_of(collection: str) -> int:
    """Return the job that filled a collection."""
    number = collection.partition("_job_")[2].partition("_")[0]
    return int(number) if number.isdecimal() else 0
