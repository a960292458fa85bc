"""Checks of the vector store: does it answer, and does it hold what searches ask it for?"""

from collections.abc import Iterator

from django.conf import settings

from mlcore.errors import EngineAway
from operations.services.doctor.faults import explained
from operations.services.doctor.findings import Check, Finding, failure, ok
from retrieval.models import Index
from retrieval.registry.services import vector_store


def answers() -> Iterator[Finding]:
    """Connect to the vector store."""
    if fault := vector_store.fault_of_url():
        yield failure(f"{fault}.", "Correct VECTOR_STORE_URL; see docs/vectors.md.")
        return
    engine = vector_store.engine()
    if engine is None:
        yield ok("Each process reads indexes from their folders.")
        return
    try:
        engine.check()
    except EngineAway as error:
        yield explained(error, "The vector store", "VECTOR_STORE_URL")
    else:
        yield ok(f"The vector store answers: {engine.name}.")


def collections() -> Iterator[Finding]:
    """Look for the collections of active indexes."""
    stored = [index for index in Index.objects.filter(active=True).select_related("model") if index.is_in_vector_store]
    if not stored:
        yield ok("No active index needs a vector store.")
        return
    engine = vector_store.engine()
    if engine is None:
        seen = f"{len(stored)} active indexes are in a vector store, but VECTOR_STORE_URL is not set."
        yield failure(seen, "Set it as before, or run `python manage.py vectors move` to build them as files.")
        return
    there = {name for index in stored for name in engine.collections(index.collection or "-")}
    lost = [index for index in stored if index.collection not in there]
    for index in lost:
        seen = f"The vector store has lost index {index.pk} of {index.model.name}: searches with it fail."
        yield failure(seen, "Run `python manage.py vectors refill`.")
    if not lost:
        where = settings.VECTOR_STORE_URL.partition("://")[0]
        yield ok(f"The collections of all {len(stored)} active indexes are there ({where}).")


CHECKS = (Check("vectors", "services", answers),)
COLLECTIONS = Check("collections", "data", collections, ("vectors", "migrations"), seconds=25)
