"""Waits for all runs of an experiment and the indexes of their models."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from kindred_client.api import Answer, Api, Ref
from kindred_client.errors import WaitTimeout
from kindred_client.progress import bar
from kindred_client.waiting import ENDED, JobFailed, wait_for

POLL_SECONDS = 5.0


def wait_for_runs(api: Api, experiment: Ref, *, timeout: float | None = None) -> Mapping[str, Any]:
    """Return the experiment when every run of it has succeeded and its model has an index.

    Raises:
        JobFailed: all have ended, and not all succeeded.
        WaitTimeout: `timeout` seconds were not enough; the runs go on.
    """
    until = None if timeout is None else time.monotonic() + timeout
    with bar("training", None, "run", progress=api.progress) as line:
        while True:
            found = api.call("experiments.get", Answer, experiment)
            # A tuning queues runs when it is done, in one step: while none is active, no more will come.
            work = [*found.get("tunings", ()), *found["runs"]]
            left = [one for one in work if one["state"] not in ENDED]
            line.total, line.n = len(work), len(work) - len(left)
            line.refresh()
            if not left:
                break
            if until is not None and time.monotonic() + POLL_SECONDS > until:
                raise WaitTimeout(f"{len(left)} of {len(work)} runs are not finished; they continue")
            api.transport.sleep(POLL_SECONDS)
    for one in work:
        if one["state"] != "succeeded":
            raise JobFailed(_job_of(api, one))
    _wait_for_indexes(api, found["runs"], until)
    return found


def _wait_for_indexes(api: Api, runs: Iterable[Mapping[str, Any]], until: float | None) -> None:
    for run in runs:
        index = (_job_of(api, run).get("result") or {}).get("index_job")
        if index is not None:
            wait_for(api, index, timeout=None if until is None else max(0.0, until - time.monotonic()))


def _job_of(api: Api, work: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the job of a run or a tuning; its row may have been deleted."""
    if work["job"] is not None:
        return api.call("jobs.get", Answer, work["job"])
    return {"id": None, "kind": f"training of {work['loss']}", "state": work["state"]}
