"""What metrics say of searches: how long they take, how they end, and how long their parts take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from config import metrics
from config.errors import Busy, Rejected

ALONE, IN_BATCH = "single", "batch"
"""Kinds of searches. One of a batch takes as long as from the batch's request to its own stored results."""

embedding_seconds = metrics.SEARCH_PART_SECONDS.labels("embedding")
index_seconds = metrics.SEARCH_PART_SECONDS.labels("index")


@contextmanager
def measured_search() -> Iterator[None]:
    """Observe the search that the block runs, whatever it raises."""
    started, outcome = time.perf_counter(), "error"
    try:
        yield
        outcome = "ok"
    except (Rejected, Busy) as refusal:
        outcome = outcome_of(refusal)
        raise
    finally:
        observe(ALONE, outcome, time.perf_counter() - started)


def outcome_of(result: object) -> str:
    """Return `busy` or `refused` of what a search raised, `ok` of anything else."""
    if isinstance(result, Busy):
        return "busy"
    return "refused" if isinstance(result, Rejected) else "ok"


def observe(kind: str, outcome: str, seconds: float) -> None:
    """Observe one search."""
    metrics.SEARCH_SECONDS.labels(kind, outcome).observe(seconds)
