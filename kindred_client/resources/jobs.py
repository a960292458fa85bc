"""Background jobs: list, wait, cancel, retry."""

from collections.abc import Sequence

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given
from kindred_client.pages import Pages
from kindred_client.waiting import wait_for


class Jobs(Resource):
    """One's own jobs; curators see all."""

    def list(
        self,
        *,
        state: Sequence[str] | None = None,
        kind: str | None = None,
        text: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.JobsList]:
        """`text`: in the title, owner, message or error, or in the name of what a job works on; or its number."""
        query = given(state=state, kind=kind, text=text, limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("jobs.list", response_types.JobsList, query=query)

    def get(self, job: Ref, *, fields: Fields = ()) -> response_types.JobsGet:
        return self._api.call("jobs.get", response_types.JobsGet, job, query=given(fields=fields))

    def cancel(self, job: Ref, *, if_match: str = "") -> response_types.JobsCancel:
        """Cancel a queued job, or ask a running one to stop."""
        return self._api.call("jobs.cancel", response_types.JobsCancel, job, if_match=if_match)

    def retry(self, job: Ref, *, if_match: str = "") -> response_types.JobsRetry:
        """Queue a failed or cancelled job again."""
        return self._api.call("jobs.retry", response_types.JobsRetry, job, if_match=if_match)

    def wait(self, job: Ref, *, timeout: float | None = None) -> response_types.JobsGet:
        """Wait until the job has succeeded and return it.

        Raises:
            JobFailed: it failed or was cancelled.
            WaitTimeout: `timeout` seconds were not enough; the job goes on.
        """
        return wait_for(self._api, job, timeout=timeout)
