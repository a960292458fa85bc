"""Notices: what one is told about one's own work that has ended."""

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given
from kindred_client.pages import Pages


class Notices(Resource):
    """One's own notices."""

    def list(
        self,
        *,
        unread: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.NoticesList]:
        query = given(unread=unread, limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("notices.list", response_types.NoticesList, query=query)

    def get(self, notice: Ref, *, fields: Fields = ()) -> response_types.NoticesGet:
        return self._api.call("notices.get", response_types.NoticesGet, notice, query=given(fields=fields))

    def read(self, notice: Ref, *, if_match: str = "") -> response_types.NoticesRead:
        """Mark a notice as read."""
        return self._api.call("notices.read", response_types.NoticesRead, notice, if_match=if_match)

    def read_all(self) -> response_types.NoticesReadAll:
        """Mark all notices as read; return how many were not."""
        return self._api.call("notices.read_all", response_types.NoticesReadAll)
