"""Several searches at once: a model embeds all their pictures together, which is faster than one by one."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from config.errors import Busy, Rejected
from retrieval.errors import NoResults
from retrieval.models import Model, Search
from retrieval.search.services import search_metrics
from retrieval.search.services.ranking import QueryEmbedding, embed_queries
from retrieval.search.services.run_search import Embeddings, PreparedSearch, SearchRequest, prepare, run_prepared
from retrieval.search.services.turns import turns

MOST_SEARCHES = 50
"""Pictures of one request."""
TOGETHER = 8
"""Searches whose pictures are in memory at once, made small: at most 8 MB each. Others get their turn in between."""
PATIENCE = 10.0
"""Seconds that a whole batch waits for a busy engine; searches that are left then are refused as busy."""

T = TypeVar("T")
Refusal = Rejected | Busy


def run_all(requests: Sequence[SearchRequest], patience: float = 0) -> list[Search | Refusal]:
    """Run each, and return its search, or why it was refused, in order: one that fails leaves the others.

    All their pictures are in memory at once, decoded. `patience`: how many seconds the engine may be busy before
    all that need it are refused.
    """
    started = time.perf_counter()
    prepared = _prepared(requests)
    embeddings = _tried(partial(_embedded, [one for one in prepared if isinstance(one, PreparedSearch)], patience))
    outcomes: list[Search | Refusal] = []
    for one in prepared:
        if not isinstance(one, PreparedSearch):
            outcomes.append(one)
        elif isinstance(embeddings, dict):
            outcomes.append(_tried(partial(_run, one, embeddings[one.search.pk])))
        else:
            outcomes.append(embeddings)
        search_metrics.observe(
            search_metrics.IN_BATCH, search_metrics.outcome_of(outcomes[-1]), time.perf_counter() - started
        )
    return outcomes


def _prepared(requests: Sequence[SearchRequest]) -> list[PreparedSearch | Refusal]:
    """Return the prepared searches; after one that waited in vain for its turn the others do not wait as well."""
    prepared: list[PreparedSearch | Refusal] = []
    for request in requests:
        turns.pass_on()  # a picture takes up to a second; a single search need not wait for eight
        last = prepared[-1] if prepared else None
        prepared.append(last if isinstance(last, Busy) else _tried(partial(prepare, **request)))
    return prepared


def _run(prepared: PreparedSearch, embeddings: Embeddings) -> Search:
    turns.pass_on()
    return run_prepared(prepared, embeddings).search


def _tried(call: Callable[[], T]) -> T | Refusal:
    try:
        return call()
    except (Rejected, Busy) as refusal:
        return refusal


def _embedded(searches: Sequence[PreparedSearch], patience: float) -> dict[UUID, dict[int, QueryEmbedding | NoResults]]:
    """Return the embedding of every query by every model that searches with it, or why there is none.

    By search and model. A damaged model is left out: each search with it is refused by itself. Searches with the same
    models are embedded together.
    """
    until = time.monotonic() + patience
    embeddings: dict[UUID, dict[int, QueryEmbedding | NoResults]] = {one.search.pk: {} for one in searches}
    by_models: dict[tuple[Model, ...], list[PreparedSearch]] = {}
    for one in searches:
        by_models.setdefault(tuple(one.models), []).append(one)
    for models, ones in by_models.items():
        found = embed_queries(models, [one.query for one in ones], max(0, until - time.monotonic()))
        for key, embedded in found.items():
            # Trying again for each search would wait as often as there are searches.
            computed: Sequence[QueryEmbedding | NoResults]
            computed = [embedded] * len(ones) if isinstance(embedded, NoResults) else embedded
            for one, embedding in zip(ones, computed, strict=True):
                embeddings[one.search.pk][key] = embedding
    return embeddings
