"""One's own account, its tokens, and the audit trail."""

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given
from kindred_client.pages import Pages


class Me(Resource):
    """The account of the token: `client.me()`."""

    def __call__(self, *, fields: Fields = ()) -> response_types.MeGet:
        return self._api.call("me", response_types.MeGet, query=given(fields=fields))

    def update(self, *, display_name: str, if_match: str = "") -> response_types.MeUpdate:
        """Change one's name."""
        return self._api.call(
            "me.update", response_types.MeUpdate, json={"display_name": display_name}, if_match=if_match
        )

    def export(self) -> response_types.MeExport:
        """Return everything that the site stores about one."""
        return self._api.call("me.export", response_types.MeExport)


class Tokens(Resource):
    """One's own tokens. A token cannot create another: create new ones at /me/tokens/ of the site."""

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, fields: Fields = ()
    ) -> Pages[response_types.TokensList]:
        query = given(limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("tokens.list", response_types.TokensList, query=query)

    def get(self, token: Ref, *, fields: Fields = ()) -> response_types.TokensGet:
        return self._api.call("tokens.get", response_types.TokensGet, token, query=given(fields=fields))

    def delete(self, token: Ref, *, if_match: str = "") -> None:
        """Revoke the token."""
        self._api.call("tokens.delete", dict, token, if_match=if_match)


class Audit(Resource):
    """The audit trail, for curators."""

    def list(
        self,
        *,
        user: str | None = None,
        action: str | None = None,
        text: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.AuditList]:
        """List the entries, newest first; `since` and `until` are dates such as 2031-05-27."""
        query = given(
            user=user, action=action, text=text, since=since, until=until, limit=limit, cursor=cursor, fields=fields
        )
        return self._api.pages("audit.list", response_types.AuditList, query=query)
