"""Waiting for all runs of an experiment, however many jobs that takes."""

import time
from collections.abc import Mapping
from typing import Any

from kindred_client.api import Answer, Api, Ref
from kindred_client.errors import WaitedTooLong
from kindred_client.progress import bar
from kindred_client.waiting import ENDED, JobFailed

POLL_SECONDS = 5.0


def wait_for_runs(api: Api, experiment: Ref, *, timeout: float | None = None) -> Mapping[str, Any]:
    """Return the experiment when every run of it has succeeded.

    Raises:
        JobFailed: all have ended, and not all succeeded.
        WaitedTooLong: `timeout` seconds were not enough; the runs go on.
    """
    until = None if timeout is None else time.monotonic() + timeout
    with bar("training", None, "run", progress=api.progress) as line:
        while True:
            found = api.call("experiments.get", Answer, experiment)
            # A tuning queues runs when it is done, in one step: while none is at work, nothing more will come.
            work = [*found.get("tunings", ()), *found["runs"]]
            left = [one for one in work if one["state"] not in ENDED]
            line.total, line.n = len(work), len(work) - len(left)
            line.refresh()
            if not left:
                break
            if until is not None and time.monotonic() + POLL_SECONDS > until:
                raise WaitedTooLong(f"{len(left)} of {len(work)} runs are not finished; they go on")
            api.transport.sleep(POLL_SECONDS)
    for one in work:
        if one["state"] != "succeeded":
            raise JobFailed(_job_of(api, one))
    return found


def _job_of(api: Api, work: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the job of a run or a tuning; its row may have been cleared away."""
    if work["job"] is not None:
        return api.call("jobs.get", Answer, work["job"])
    return {"id": None, "kind": f"training of {work['loss']}", "state": work["state"]}
