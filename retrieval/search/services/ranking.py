"""The ranking of one model: the nearest images in each of its active indexes."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from config.errors import Rejected
from mlcore.errors import MlcoreError, StaleIndexError
from mlcore.index import moved_query
from retrieval.errors import ModelDamaged, NoResults
from retrieval.models import Index, Model, Ranking, Search
from retrieval.search.services import model_cache
from retrieval.search.services.model_cache import Floats
from retrieval.search.services.search_metrics import embedding_seconds, index_seconds
from retrieval.search.services.serving_index import Filter, ServingIndex, filter_of
from storage.errors import StoredDamaged

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from mlcore.inference.encoder_protocol import PictureEncoder


@dataclass(frozen=True)
class QueryEmbedding:
    """A unit-length embedding [dim] of a query, and how long it took, in milliseconds."""

    vector: Floats
    took_ms: float


def search_indexes(
    search: Search,
    model: Model,
    query: "Picture | None",
    wanted: Filter | None = None,
    embedding: QueryEmbedding | NoResults | None = None,
) -> list[Ranking]:
    """Return the results of one model, one ranking per index, not stored yet.

    The query is never among them, unless the search says so. `wanted` is a filter instead of the search's
    own. There are fewer than k results where fewer images are left. `embedding`: the query's, where
    the model has computed it already, or why it did not; without one, `query` is embedded.

    Raises:
        ModelDamaged: its files or those of an index of it are damaged or gone; other models go on.
        Rejected: it has no network and no vector of the query.
        Busy: too many searches are running.
        ModelUnavailable, ModelSuspended: it is external and its process gives no embedding; other models go on.
        VectorsAway: its index is in a vector store that does not answer; other models go on.
    """
    with _refusals_of(model):
        indexes: list[Index] = model.serving  # type: ignore[attr-defined]
        held = [model_cache.serving_index_of(index) for index in indexes]  # loading, once a process, is not searching
        if isinstance(embedding, NoResults):
            raise embedding
        if embedding is None:
            embedding = (
                _embedded_alone(model, query)
                if query is not None and model.has_network
                else indexed_embedding(search, model)
            )
        started = time.perf_counter() - embedding.took_ms / 1000
        vector = moved_query(embedding.vector, _vectors(held, search.more), _vectors(held, search.less))
        own = [search.query_image_id] if search.query_image_id and search.exclude_self else []
        rankings = []
        for index, serving in zip(indexes, held, strict=True):
            with index_seconds.time():
                ids, scores = serving.nearest(
                    vector, search.k, wanted=wanted or filter_of(search, index.dataset_id), own=own,
                    now=index.dataset.revision,
                )  # fmt: skip
            took, started = 1000 * (time.perf_counter() - started), time.perf_counter()
            rankings.append(
                Ranking(
                    search=search, model=model, index=index, image_ids=ids, scores=scores, took_ms=round(took, 2)
                )
            )  # fmt: skip
    return rankings


def _embedded_alone(model: Model, query: "Picture") -> QueryEmbedding:
    encoder = model_cache.encoder_of(model)
    started = time.perf_counter()
    with embedding_seconds.time():
        vector = model_cache.embed(encoder, [query])[0]
    return QueryEmbedding(vector, took_ms=1000 * (time.perf_counter() - started))


Embedded = Sequence[QueryEmbedding] | NoResults
"""The embeddings of some queries by one model, in their order, or why it gives none."""


def embed_query(models: Iterable[Model], picture: "Picture") -> dict[int, QueryEmbedding | NoResults]:
    """Return the embedding of one picture by each model that has a network. As `embed_queries` otherwise."""
    return {
        key: found if isinstance(found, NoResults) else found[0]
        for key, found in embed_queries(models, [picture]).items()
    }


def embed_queries(models: Iterable[Model], pictures: Sequence["Picture"], patience: float = 0) -> dict[int, Embedded]:
    """Return the embeddings of pictures by each of the models that has a network, by the models' keys.

    Models that share a trunk embed in one forward pass. They may wait `patience` seconds for their turns, together. A
    damaged model is left out: `search_indexes` says what is wrong with it.

    Raises:
        Busy: too many are waiting already.
    """
    until = time.monotonic() + patience
    embedded: dict[int, Embedded] = {}
    for encoders in _by_trunk(models):
        try:
            embedded |= _embedded_together(encoders, pictures, max(0, until - time.monotonic()))
        except NoResults as reason:  # of an external model, which shares its trunk with none
            embedded |= dict.fromkeys(encoders, reason)
        except (MlcoreError, StoredDamaged, OSError):
            continue
    return embedded


def _by_trunk(models: Iterable[Model]) -> list[dict[int, "PictureEncoder"]]:
    """Return the encoders of models by their keys, those that share a trunk together."""
    groups: dict[object, dict[int, PictureEncoder]] = {}
    for model in models:
        if not model.has_network:
            continue
        try:
            encoder = model_cache.encoder_of(model)
        except (NoResults, MlcoreError, StoredDamaged, OSError):
            continue
        groups.setdefault(model_cache.pass_of(model, encoder), {})[model.pk] = encoder
    return list(groups.values())


def _embedded_together(
    encoders: Mapping[int, "PictureEncoder"], pictures: Sequence["Picture"], patience: float
) -> dict[int, Embedded]:
    started = time.perf_counter()
    with embedding_seconds.time():
        vectors = model_cache.embed_by_all(encoders, pictures, patience)
    took = 1000 * (time.perf_counter() - started) / len(pictures)
    return {key: [QueryEmbedding(vector, took) for vector in found] for key, found in vectors.items()}


@contextmanager
def _refusals_of(model: Model) -> Iterator[None]:
    try:
        yield
    except StaleIndexError as error:
        for index in getattr(model, "serving", ()):
            model_cache.forget_index(index)  # damaged while it was loaded: the next loading says what is wrong
        raise ModelDamaged(f"the index of {model.name} cannot be used: {error}") from error
    except (MlcoreError, StoredDamaged) as error:
        raise ModelDamaged(f"{model.name} cannot search: {error}") from error
    except OSError as error:
        raise ModelDamaged(
            f"{model.name} cannot search: its files are gone ({error.strerror}); train it again"
        ) from error


def indexed_embedding(search: Search, model: Model) -> QueryEmbedding:
    """Return the embedding that the index of the query's data set holds for it.

    Raises:
        Rejected: there is no such index, or it does not hold the picture: that came later, or was hidden then.
        StaleIndexError, OSError: the index is damaged, or gone.
    """
    image = search.query_image
    index = Index.objects.filter(model=model, active=True, dataset=image.dataset_id if image else None).first()
    if image is None or index is None:
        raise Rejected(f"{model.name} has no network and no index of that picture's data set; choose another model")
    vectors = model_cache.serving_index_of(index)
    if len(vectors.held([image.pk])) == 0:
        raise Rejected(f"the index of {model.name} does not hold that picture yet; choose another picture")
    return QueryEmbedding(np.asarray(vectors.vectors_of([image.pk])[0]), took_ms=0)


def _vectors(held: list[ServingIndex], pictures: Collection[int]) -> Floats:
    """Return the vectors of those images that the indexes hold; one of another data set has none."""
    return np.concatenate([each.vectors_of(each.held(pictures).tolist()) for each in held])
