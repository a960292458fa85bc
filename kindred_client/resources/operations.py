"""What the site does right now: for its admins."""

from kindred_client import response_types
from kindred_client.api import Resource


class Operations(Resource):
    """Queues, processes, running jobs and slow searches."""

    def get(self) -> response_types.OperationsGet:
        return self._api.call("operations.get", response_types.OperationsGet)
