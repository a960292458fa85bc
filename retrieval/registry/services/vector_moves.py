"""Active indexes brought to the vector store or back, and collections made again that the store has lost."""

from collections.abc import Callable

from mlcore.index import IndexManifest
from mlcore.index.store import HNSWLIB
from retrieval.models import Index
from retrieval.registry.services import vector_store
from retrieval.registry.services.indexes import submit_index


def move() -> int:
    """Queue a build of each active index that is not where `VECTOR_STORE_URL` says; return how many.

    No picture is embedded again: a build takes the vectors of the active index.
    """
    engine = vector_store.engine()
    wanted = engine.name if engine else HNSWLIB
    count = 0
    for index in Index.objects.filter(active=True, model__archived_at=None).select_related("model", "dataset"):
        if IndexManifest.from_json(index.manifest).engine != wanted:
            submit_index(index.model, index.dataset, by=None)
            count += 1
    return count


def refill(say: Callable[[str], object], *, every: bool = False) -> int:
    """Make the collections of active indexes again that the vector store does not hold, or all; return how many.

    Raises:
        VectorsAway: the store does not answer.
        Rejected: the files of an index are damaged.
    """
    count = 0
    for index in Index.objects.filter(active=True).exclude(collection="").select_related("model", "dataset"):
        if every or not vector_store.is_there(index):
            vector_store.fill_again(index)
            vector_store.point_alias(index)
            say(f"index {index.pk} of {index.model.name} on {index.dataset.name}: {index.count:,} vectors")
            count += 1
    return count
