"""The settings that a build tries until the measured recall is reached, whichever engine holds the index."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlcore.errors import VectorIndexError
from mlcore.events import Progress
from mlcore.index.engine import SearchableVectors
from mlcore.index.recall import RecallEvaluator
from mlcore.index.store import Attempt, Origin, preprocessing_sha256

WithEf = Callable[[int], SearchableVectors]
"""Called with a number of candidates: returns the index that searches with it."""

LINKS = (16, 32, 48)
"""M, raised last: more links find more, and cost memory and a rebuild."""

CANDIDATES = (50, 100, 200, 400, 800)
"""ef, raised first: it costs search time alone."""

EF_CONSTRUCTION = 200

QUERIES = 1000
"""How many pictures measure an index, of its own and of those not yet in it."""


def check_wanted(count: int, target_recall: float) -> None:
    """Refuse a recall that no index has, and fewer than two pictures."""
    if not 0 < target_recall <= 1:
        raise VectorIndexError(f"target_recall must be above 0 and at most 1, got {target_recall}")
    if count < 2:
        raise VectorIndexError(f"an index needs at least 2 pictures, got {count}")


def recalls_of(
    evaluator: RecallEvaluator, candidates: Iterable[int], with_ef: WithEf, progress: Progress
) -> dict[int, float]:
    """Return the recall of an index at each ef."""
    found: dict[int, float] = {}
    for ef in candidates:
        found[ef] = evaluator.recall_of(with_ef(ef))
        progress("recall", 0, 0)
    return found


def attempts_until(
    needed: float,
    candidates: Iterable[int],
    with_ef: WithEf,
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


def figures_of(
    count: int,
    attempts: Sequence[Attempt],
    *,
    started: float,
    target_recall: float,
    seed: int,
    model_sha256: str,
    preprocessing: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the manifest's fields that say of what a build was made, how it was chosen and what it reached.

    started: by time.monotonic.
    """
    last = attempts[-1]
    return {
        "M": last.M,
        "ef_construction": EF_CONSTRUCTION,
        "ef": last.ef,
        "recall_at_10": last.recall_at_10,
        "recall_unseen": last.recall_unseen,
        "queries": min(QUERIES, count),
        "queries_unseen": spared_of(count),
        "attempts": tuple(attempts),
        "target_recall": target_recall,
        "seed": seed,
        "model_sha256": model_sha256,
        "preprocessing_sha256": preprocessing_sha256(preprocessing),
        "origin": Origin(built_recall=last.recall),
        "build_seconds": round(time.monotonic() - started, 3),
    }


def spared_of(count: int) -> int:
    """Return how many pictures can wait outside and leave an index much like the full one."""
    return min(QUERIES, count // 5)
