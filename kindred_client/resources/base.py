"""What every group of methods has: the operations of the site."""

from kindred_client.api import Api


class Resource:
    """A group of methods."""

    def __init__(self, api: Api) -> None:
        self._api = api
