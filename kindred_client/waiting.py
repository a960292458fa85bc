"""Following a job to its end."""

import time
from collections.abc import Mapping
from typing import Any, cast

import httpx

from kindred_client import answers
from kindred_client.api import Api, Ref, key
from kindred_client.errors import KindredError, WaitTimeout, retry_after_of
from kindred_client.progress import bar

POLL_SECONDS = 2.0  # when the server does not say
ENDED = ("succeeded", "failed", "cancelled")


class JobFailed(KindredError):
    """A job that was waited for failed or was cancelled; `job` is the whole of it."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        self.job = job
        why = str(job.get("error") or "").strip()
        super().__init__(f"{_called(job)} {job['state']}" + (f": {why}" if why else ""))


def _called(job: Mapping[str, Any]) -> str:
    return f"job {job['id']} ({job['kind']})"


def wait_for(api: Api, job: Ref, *, timeout: float | None = None) -> answers.JobsGet:
    """Return the job when it has succeeded, with a bar meanwhile.

    Raises:
        JobFailed: it failed or was cancelled.
        WaitTimeout: `timeout` seconds were not enough; the job goes on.
    """
    until = None if timeout is None else time.monotonic() + timeout
    with bar("waiting", None, "", progress=api.progress) as line:
        while True:
            found, pause = _look(api, job)
            show(line, found)
            if found["state"] in ENDED:
                break
            if until is not None and time.monotonic() + pause > until:
                raise WaitTimeout(f"{_called(found)} is still {found['state']}; it goes on")
            api.transport.sleep(pause)
    if found["state"] != "succeeded":
        raise JobFailed(found)
    return cast(answers.JobsGet, found)


def _look(api: Api, job: Ref) -> tuple[dict[str, Any], float]:
    """Return the job and in how many seconds to look again."""

    def read(response: httpx.Response) -> tuple[dict[str, Any], float]:
        response.read()
        return response.json(), retry_after_of(response) or POLL_SECONDS

    return api.receive("jobs.get", read, key(job))


def show(line: Any, job: Mapping[str, Any]) -> None:
    """Let the bar say what the job says."""
    line.set_description(job.get("phase") or str(job["state"]), refresh=False)
    line.total = job.get("total") or None
    line.n = job.get("done") or 0
    line.set_postfix_str(job.get("message") or "", refresh=False)
    line.refresh()
