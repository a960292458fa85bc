"""Oneself, one's tokens, and what was done on the site."""

from kindred_client import answers
from kindred_client.api import Fields, Ref, given
from kindred_client.pages import Pages
from kindred_client.resources.base import Resource


class Me(Resource):
    """Whose the token is: `client.me()`."""

    def __call__(self, *, fields: Fields = ()) -> answers.MeGet:
        return self._api.call("me", answers.MeGet, query=given(fields=fields))

    def update(self, *, display_name: str, if_match: str = "") -> answers.MeUpdate:
        """Be called by another name."""
        return self._api.call("me.update", answers.MeUpdate, json={"display_name": display_name}, if_match=if_match)

    def export(self) -> answers.MeExport:
        """Return everything that the site knows of one."""
        return self._api.call("me.export", answers.MeExport)


class Tokens(Resource):
    """One's own tokens; new ones are made at /me/tokens/ of the site, as no token makes another."""

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, fields: Fields = ()
    ) -> Pages[answers.TokensList]:
        query = given(limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("tokens.list", answers.TokensList, query=query)

    def get(self, token: Ref, *, fields: Fields = ()) -> answers.TokensGet:
        return self._api.call("tokens.get", answers.TokensGet, token, query=given(fields=fields))

    def delete(self, token: Ref, *, if_match: str = "") -> None:
        """Revoke it."""
        self._api.call("tokens.delete", dict, token, if_match=if_match)


class Audit(Resource):
    """Who did what, for curators."""

    def list(
        self,
        *,
        who: str | None = None,
        action: str | None = None,
        text: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[answers.AuditList]:
        """List what was done, newest first; `since` and `until` are dates, 2031-05-27."""
        query = given(
            who=who, action=action, text=text, since=since, until=until, limit=limit, cursor=cursor, fields=fields
        )
        return self._api.pages("audit.list", answers.AuditList, query=query)
