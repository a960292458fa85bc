"""What one model answers: the nearest pictures of every index that it serves the search with."""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from config.errors import Rejected
from mlcore.errors import MlcoreError, StaleIndexError
from mlcore.index import VectorIndex, moved_query
from retrieval.models import Index, Model, Ranking, Search
from retrieval.search.services import model_cache
from retrieval.search.services.model_cache import Floats
from retrieval.search.services.options import allowed_ids, withdrawn_ids

if TYPE_CHECKING:
    from PIL.Image import Image as Picture


@dataclass(frozen=True)
class Look:
    """What a model saw in a picture, and how long it looked, in milliseconds."""

    vector: Floats
    took_ms: float


def rank(
    search: Search,
    model: Model,
    picture: "Picture",
    allowed: Collection[int] | None = None,
    look: Look | None = None,
) -> list[Ranking]:
    """Return the answers of one model, one ranking an index, not stored yet.

    The query is never among them, unless the search says so. `allowed` keeps only those pictures, instead of the
    search's own filter. Fewer than k answer where fewer are left. `look`: the model has seen the picture already.

    Raises:
        Rejected: the model or an index of it is damaged, or it has no network and no vector of the query.
        Busy: too many are asking.
        ModelUnavailable, ModelSuspended: it is external and its process gives no embedding; other models go on.
    """
    with _refusals_of(model):
        indexes: list[Index] = model.serving  # type: ignore[attr-defined]
        held = [model_cache.index_of(index) for index in indexes]  # loading, once a process, is not answering
        if look is None:
            look = look_at(model, [picture])[0] if model.has_network else _known_look(search, model)
        started = time.perf_counter() - look.took_ms / 1000
        query = moved_query(look.vector, _vectors(held, search.more), _vectors(held, search.less))
        rankings = []
        for index, vectors in zip(indexes, held, strict=True):
            ids, scores = _nearest(search, index, vectors, query, allowed)
            took, started = 1000 * (time.perf_counter() - started), time.perf_counter()
            rankings.append(
                Ranking(
                    search=search, model=model, index=index, image_ids=ids, scores=scores, took_ms=round(took, 2)
                )
            )  # fmt: skip
    return rankings


def look_at(model: Model, pictures: Sequence["Picture"], patience: float = 0) -> list[Look]:
    """Let a model that has a network see pictures, all at once; it may wait `patience` seconds for its turn.

    Raises:
        Rejected: the model is damaged.
        Busy: too many are waiting already.
        ModelUnavailable, ModelSuspended: as for `rank`.
    """
    with _refusals_of(model):
        encoder = model_cache.encoder_of(model)
        started = time.perf_counter()
        vectors = model_cache.embed(encoder, pictures, patience)
    took = 1000 * (time.perf_counter() - started) / len(pictures)
    return [Look(vector, took) for vector in vectors]


@contextmanager
def _refusals_of(model: Model) -> Iterator[None]:
    try:
        yield
    except StaleIndexError as error:
        raise Rejected(f"the index of {model.name} cannot be used: {error}") from error
    except MlcoreError as error:
        raise Rejected(f"{model.name} cannot answer: {error}") from error
    except OSError as error:
        raise Rejected(f"{model.name} cannot answer: its files are gone ({error.strerror}); train it again") from error


def _nearest(
    search: Search, index: Index, vectors: VectorIndex, query: Floats, allowed: Collection[int] | None
) -> tuple[list[int], list[float]]:
    if allowed is None:
        allowed = allowed_ids(search, index.dataset_id)
    own = {search.query_image_id} if search.query_image_id and search.exclude_self else set()
    exclude = withdrawn_ids(index, vectors) | own
    k = min(search.k, vectors.remaining(allowed_ids=allowed, exclude=exclude))
    if k == 0:
        return [], []
    ids, scores = vectors.search(query[None], k, allowed_ids=allowed, exclude=exclude)
    return ids[0].tolist(), [round(float(score), 6) for score in scores[0]]


def _known_look(search: Search, model: Model) -> Look:
    """Return the vector that the index of the query's data set holds for it."""
    image = search.query_image
    index = Index.objects.filter(model=model, active=True, dataset=image.dataset_id if image else None).first()
    if image is None or index is None:
        raise Rejected(f"{model.name} has no network and no index of that picture's data set; choose another model")
    return Look(np.asarray(model_cache.index_of(index).vectors_of([image.pk])[0]), took_ms=0)


def _vectors(held: list[VectorIndex], pictures: Collection[int]) -> Floats:
    """Return the vectors of those pictures that the indexes hold; one of another data set has none."""
    return np.concatenate([vectors.vectors_of(vectors.held(pictures)) for vectors in held])
