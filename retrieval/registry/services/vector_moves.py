"""Active indexes brought to the vector store or back, and collections made again that the store has lost."""

from collections.abc import Callable

from config.errors import Rejected
from mlcore.errors import StaleIndexError
from mlcore.index import IndexManifest
from mlcore.index.engine import VectorEngine
from mlcore.index.engine_build import refill as fill_again
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


def refill(say: Callable[[str], object]) -> int:
    """Make the collections of active indexes again that the vector store does not hold; return how many.

    Raises:
        VectorsAway: the store does not answer.
        Rejected: the files of an index are damaged.
    """
    count = 0
    for index in Index.objects.filter(active=True).select_related("model", "dataset"):
        manifest = IndexManifest.from_json(index.manifest)
        if manifest.engine == HNSWLIB or vector_store.is_there(index):
            continue
        with vector_store.asked(f"index {index.pk}"):
            _refilled(vector_store.engine_of(manifest), index)
            Index.objects.filter(pk=index.pk).update(collection=manifest.collection)
            index.refresh_from_db(fields=["collection"])
        vector_store.point_alias(index)
        say(f"index {index.pk} of {index.model.name} on {index.dataset.name}: {index.count:,} vectors")
        count += 1
    return count


def _refilled(engine: VectorEngine, index: Index) -> None:
    try:
        fill_again(engine, index.folder)
    except (StaleIndexError, OSError) as error:
        raise Rejected(f"index {index.pk} of {index.model.name} cannot be read: {error}") from error
