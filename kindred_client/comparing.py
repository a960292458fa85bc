"""Waiting for all runs of an experiment, however many jobs that takes."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from kindred_client.api import Answer, Api, Ref
from kindred_client.errors import WaitedTooLong
from kindred_client.progress import bar
from kindred_client.waiting import ENDED, JobFailed

POLL_SECONDS = 5.0


def wait_for_runs(
    api: Api,
    experiment: Ref,
    *,
    timeout: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Mapping[str, Any]:
    """Return the experiment when every run of it has succeeded.

    Raises:
        JobFailed: all have ended, and not all succeeded.
        WaitedTooLong: `timeout` seconds were not enough; the runs go on.
    """
    until = None if timeout is None else now() + timeout
    with bar("training", None, "run", progress=api.progress) as line:
        while True:
            found = api.call("experiments.get", Answer, experiment)
            ended = [run for run in found["runs"] if run["state"] in ENDED]
            line.total, line.n = len(found["runs"]), len(ended)
            line.refresh()
            if len(ended) == len(found["runs"]):
                break
            if until is not None and now() + POLL_SECONDS > until:
                raise WaitedTooLong(f"{line.total - line.n} of {line.total} runs are not finished; they go on")
            sleep(POLL_SECONDS)
    for run in ended:
        if run["state"] != "succeeded":
            raise JobFailed(api.call("jobs.get", Answer, run["job"]))
    return found
