"""Forward and backward of a loss with proxies, timed alone: what benchmarks of such heads share."""

import time
from collections.abc import Mapping

from benchmarks.measuring import Result, peak_mib

FULL = 11_318  # training classes of Stanford Online Products
CENTRES, DIM, BATCH = 10, 512, 120
STEPS = 3


def timed_head(loss: object, classes: int) -> Result:
    """Return the shortest of a few steps in seconds, and the memory in MiB held before the first."""
    import torch

    torch.manual_seed(0)
    embeddings = torch.randn(BATCH, DIM, requires_grad=True)
    labels = torch.randint(classes, (BATCH,))
    start, seconds = peak_mib(), []
    for _ in range(STEPS):
        started = time.perf_counter()
        loss(embeddings, labels).backward()  # type: ignore[operator]
        seconds.append(time.perf_counter() - started)
    return {"classes": classes, "seconds_a_step": min(seconds), "start_mib": start}


def above_start(found: Mapping[str, Result]) -> None:
    """Put the memory above the start in place of the start's, in every row: at least the 0.1 that it is rounded to."""
    for row in found.values():
        row["above_start_mib"] = max(0.1, round(row["peak_mib"] - row.pop("start_mib"), 1))
