"""The client of one Kindred site."""

from types import TracebackType
from typing import Self

import httpx

from kindred_client import response_types
from kindred_client.api import Api, Ref
from kindred_client.resources.accounts import Audit, Me, Tokens
from kindred_client.resources.datasets import Datasets
from kindred_client.resources.experiments import Experiments
from kindred_client.resources.images import Images
from kindred_client.resources.jobs import Jobs
from kindred_client.resources.models import Indexes, Losses, Metrics, Models
from kindred_client.resources.notices import Notices
from kindred_client.resources.operations import Operations
from kindred_client.resources.ratings import Ratings
from kindred_client.resources.runs import Runs
from kindred_client.resources.searches import Searches
from kindred_client.resources.uploads import Uploads
from kindred_client.transport import Transport

TIMEOUT = 60.0  # seconds that the server may keep silent
RETRIES = 6  # some half a minute: as long as a site takes to start again


class Kindred:
    """A site as its programs see it. A context manager; threads may share it.

    token: of one's page /me/tokens/; without one, what visitors see. progress: whether to show bars on stderr; by
    default where stderr is a terminal. transport: of httpx, for tests.

        with Kindred("https://kindred.example", token) as kindred:
            birds = kindred.datasets.import_folder("birds", "Birds")
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        progress: bool | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._transport = Transport(url, token, timeout=timeout, retries=retries, via=transport)
        api = Api(self._transport, progress)
        self.me = Me(api)
        self.tokens = Tokens(api)
        self.audit = Audit(api)
        self.jobs = Jobs(api)
        self.notices = Notices(api)
        self.uploads = Uploads(api)
        self.datasets = Datasets(api)
        self.images = Images(api)
        self.losses = Losses(api)
        self.metrics = Metrics(api)
        self.experiments = Experiments(api)
        self.runs = Runs(api)
        self.models = Models(api)
        self.indexes = Indexes(api)
        self.searches = Searches(api)
        self.ratings = Ratings(api)
        self.operations = Operations(api)

    def wait(self, job: Ref, *, timeout: float | None = None) -> response_types.JobsGet:
        """Wait until the job has succeeded and return it; see `jobs.wait`."""
        return self.jobs.wait(job, timeout=timeout)

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Kindred({self._transport.base!r})"  # never the token
