"""Waiting for a job."""

import time
from collections.abc import Mapping
from typing import Any, cast

import httpx

from kindred_client import response_types
from kindred_client.api import Api, Ref, key
from kindred_client.errors import KindredError, WaitTimeout, retry_after_of
from kindred_client.progress import bar

POLL_SECONDS = 2.0  # when the server does not say
ENDED = ("succeeded", "failed", "cancelled")


class JobFailed(KindredError):
    """A job failed or was cancelled; `job` is the whole job."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.job = job
        why = str(job.get("error") or "").strip()
        super().__init__(f"{_called(job)} {job['state']}" + (f": {why}" if why else ""))


def _called(job: Mapping[str, Any]) -> str:
    return f"job {job['id']} ({job['kind']})"


def wait_for(api: Api, job: Ref, *, timeout: float | None = None) -> response_types.JobsGet:
    """Wait with a progress bar; return the job when it has succeeded.

    Raises:
        JobFailed: it failed or was cancelled.
        WaitTimeout: `timeout` seconds were not enough; the job continues.
    """
    until = None if timeout is None else time.monotonic() + timeout
    with bar("waiting", None, "", progress=api.progress) as line:
        while True:
            current, pause = _look(api, job)
            show(line, current)
            if current["state"] in ENDED:
                break
            if until is not None and time.monotonic() + pause > until:
                raise WaitTimeout(f"{_called(current)} is still {current['state']}; it continues")
            api.transport.sleep(pause)
    if current["state"] != "succeeded":
        raise JobFailed(current)
    return cast(response_types.JobsGet, current)


def _look(api: Api, job: Ref) -> tuple[Mapping[str, Any], float]:
    """Return the job, and the seconds until the next request."""

    def read(response: httpx.Response) -> tuple[Mapping[str, Any], float]:
        response.read()
        return response.json(), retry_after_of(response) or POLL_SECONDS

    return api.receive("jobs.get", read, key(job))


def show(line: Any, job: Mapping[str, Any]) -> None:
    """Show the job's progress on the bar."""
    line.set_description(job.get("phase") or str(job["state"]), refresh=False)
    line.total = job.get("total") or None
    line.n = job.get("done") or 0
    line.set_postfix_str(job.get("message") or "", refresh=False)
    line.refresh()
