"""One call of the command: which site, whose token, and how answers are shown."""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import click
import httpx

from kindred_client.cli.config import Sites, canonical
from kindred_client.client import Kindred

META = "kindred.session"


@dataclass
class Session:
    """What a command works with.

    `hint`: how to go on, told when it is interrupted or the site is gone. `quiet`: no bars.
    """

    given_url: str
    given_token: str = field(repr=False)
    as_json: bool
    transport: httpx.BaseTransport | None = None
    hint: str = ""
    quiet: bool = False

    @cached_property
    def sites(self) -> Sites:
        return Sites.read()

    @cached_property
    def url(self) -> str:
        """The URL of the site: the option, else KINDRED_URL, else the current site."""
        named = self.given_url or os.environ.get("KINDRED_URL", "")
        if not named and not self.sites.current:
            raise click.UsageError("no site is known: `kindred login`, or --url https://...")
        return canonical(named) if named else self.sites.current

    @property
    def token(self) -> str:
        """The token: of the option, else of KINDRED_TOKEN, else the one that was stored for this site."""
        return checked_token(self.given_token or token_of_environment(self.url) or self.sites.token(self.url))

    @cached_property
    def client(self) -> Kindred:
        progress = False if self.quiet else None
        return Kindred(self.url, self.token, progress=progress, transport=self.transport)

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()


def token_of_environment(url: str) -> str:
    """Return KINDRED_TOKEN; for another site than KINDRED_URL it is not meant."""
    named = os.environ.get("KINDRED_URL", "")
    meant = not named or canonical(named) == url
    return os.environ.get("KINDRED_TOKEN", "") if meant else ""


def checked_token(token: str) -> str:
    """Return the token without what surrounds it.

    Raises:
        click.UsageError: no header can carry it; what it is, is not told.
    """
    bare = token.strip()
    if not bare.isascii() or not bare.isprintable() or " " in bare:
        raise click.UsageError("this is no token: it is one word of letters, digits and signs, kin_...")
    return bare


def hint_of(ctx: click.Context) -> str:
    session = ctx.find_root().meta.get(META)
    return session.hint if isinstance(session, Session) else ""


def command(name: str, **settings: Any) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function whose first parameter is its session."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @click.option("--json", "as_json", is_flag=True, help="JSON on stdout; messages go to stderr.")
        @click.option("--token", default="", metavar="TOKEN", help="API token (default KINDRED_TOKEN, else stored).")
        @click.option("--url", default="", metavar="URL", help="The site (default KINDRED_URL, else the current site).")
        @click.pass_context
        def run(ctx: click.Context, /, url: str, token: str, as_json: bool, **given: Any) -> None:
            # A test hands its transport in as the context's object.
            session = Session(url, token, as_json, ctx.find_root().obj)
            ctx.find_root().meta[META] = session
            try:
                function(session, **given)
            finally:
                session.close()

        command_of: Any = click.command  # with names that are not known here, its overloads tell nothing
        made: click.Command = command_of(name, **{"help": inspect.getdoc(function), **settings})(run)
        own: list[click.Parameter] = getattr(function, "__click_params__", [])
        made.params = [*reversed(own), *made.params]
        return made

    return decorate
