"""The settings that a build tries until the measured recall is reached, whichever engine holds the index."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mlcore.events import Progress
from mlcore.index.recall import RecallEvaluator, Searcher
from mlcore.index.store import Attempt

LINKS = (16, 32, 48)
"""M, raised last: more links find more, and cost memory and a rebuild."""

CANDIDATES = (50, 100, 200, 400, 800)
"""ef, raised first: it costs search time alone."""

EF_CONSTRUCTION = 200

QUERIES = 1000
"""How many pictures measure an index, of its own and of those not yet in it."""


def attempts_until(
    needed: float,
    candidates: Iterable[int],
    with_ef: Callable[[int], Searcher],
    evaluator: RecallEvaluator,
    *,
    links: int,
    unseen: Callable[[int], float | None],
    progress: Progress,
) -> list[Attempt]:
    """Measure an index at one ef after another until its recall is `needed`, else to the last; return all of them.

    unseen: the recall for pictures that it did not hold, by ef.
    """
    tried: list[Attempt] = []
    for ef in candidates:
        index, begun = with_ef(ef), time.monotonic()
        own = evaluator.recall_of(index)
        query_ms = round(1000 * (time.monotonic() - begun) / len(evaluator.queries), 4)
        tried.append(Attempt(links, ef, own, unseen(ef), query_ms))
        progress("recall", 0, 0)
        if tried[-1].recall >= needed:
            break
    return tried


def figures_of(count: int, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Return the manifest's fields that say how the index was chosen and what it reached."""
    chosen = attempts[-1]
    return {
        "M": chosen.M,
        "ef_construction": EF_CONSTRUCTION,
        "ef": chosen.ef,
        "recall_at_10": chosen.recall_at_10,
        "recall_unseen": chosen.recall_unseen,
        "queries": min(QUERIES, count),
        "queries_unseen": spared_of(count),
        "attempts": tuple(attempts),
    }


def spared_of(count: int) -> int:
    """Return how many pictures can wait outside and leave an index much like the full one."""
    return min(QUERIES, count // 5)
