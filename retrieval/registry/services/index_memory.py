"""How much memory an index takes of every process that searches it."""

from django.conf import settings

from mlcore.index import IndexManifest
from retrieval.models import Index


def resident_bytes(index: Index) -> int:
    """Return what a process keeps in memory of a loaded index.

    Its vectors are not counted: they are mapped from their file, and the system drops them when memory is short.
    """
    return IndexManifest.from_json(index.manifest).resident_bytes


def is_too_large(index: Index) -> bool:
    """Say whether an index alone exceeds the memory that settings give to models and indexes."""
    return resident_bytes(index) > settings.ENGINE_BYTES
