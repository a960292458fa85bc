"""Many clients at once while indexes are exchanged and a model is published: what each of them is answered."""

import threading
import time
from collections.abc import Sequence

from benchmarks.measuring import Result
from benchmarks.search_clients import Load, Outcome, started
from benchmarks.search_site import JOBS, Api, SearchSite, manage

CLIENTS = 64
FEW = 48  # of whom nobody may be refused
SWAPS = 3


def siege(site: SearchSite, pictures: Sequence[str], seconds: float) -> tuple[dict[str, Result], list[str]]:
    """Return the figures of a load with few clients and of one with many, and which figures were to be reached.

    The first model has two indexes, which are exchanged three times; the last is published half-way, and searches that
    name no model take it as well from then on.
    """
    first, last = site.models[0], site.models[-1]
    with site.served() as port:
        api = Api(port, site.tokens[0])
        before = api.get(f"indexes/?model={first}")["results"][0]["id"]
        api.post("indexes/", {"model": first, "dataset": site.dataset})
        manage(site.root, site.var, "shell", "-c", JOBS)
        (other,) = {row["id"] for row in api.get(f"indexes/?model={first}")["results"]} - {before}
        figures: dict[str, Result] = {}
        notes: list[str] = []
        for clients in (FEW, CLIENTS):
            api.post(f"models/{last}/unpublish/", {})
            load = Load(port, clients, pictures, site.tokens, site.dataset, seconds=seconds)
            with started(load) as outcome:
                changes = threading.Thread(target=_change, args=(api, (before, other), last, seconds))
                changes.start()
                found = outcome()
                changes.join()
            figures[f"{clients} clients"] = _figures_of(found)
            notes.append(_verdict(clients, found))
    return figures, notes


def _change(api: Api, indexes: tuple[int, int], model: int, seconds: float) -> None:
    """Exchange indexes and publish a model, spread over the time."""
    steps = [f"indexes/{indexes[swap % 2]}/activate/" for swap in range(SWAPS)]
    steps.insert(SWAPS // 2 + 1, f"models/{model}/publish/")
    for step in steps:
        time.sleep(seconds / (len(steps) + 1))
        api.post(step, {})


def _figures_of(found: Outcome) -> Result:
    told = [after for after in found.refusals if after]
    return {
        "searches": len(found.ms),
        "per_s": round(found.per_second, 1),
        "p50_ms": round(found.percentile(50), 1),
        "p95_ms": round(found.percentile(95), 1),
        "refused_503": len(found.refusals),
        "with_retry_after": len(told),
        "served_after_it": found.back_in_time,
        "other": sum(found.statuses.values()) - len(found.ms) - len(found.refusals),
    }


def _verdict(clients: int, found: Outcome) -> str:
    others = {status: count for status, count in found.statuses.items() if status not in ("201", "503")}
    lines = [f"{clients} clients: {dict(found.statuses)}"]
    lines.append(f"other than 201 and 503: {others or 'none'}")
    untold = sum(not after for after in found.refusals)
    lines.append(f"503 without a Retry-After: {untold}")
    if found.refusals:
        lines.append(f"searches that succeeded after the seconds they were told: {found.back_in_time}")
    if clients == FEW:
        lines.append(f"below {CLIENTS} waiting nobody is refused: {'reached' if not found.refusals else 'not reached'}")
    return "; ".join(lines)
