"""Sign-in and sign-out; the prompt for a token does not show it."""

import os
from urllib.parse import urlsplit

import click

from kindred_client.cli.config import canonical
from kindred_client.cli.output import as_json, say, table
from kindred_client.cli.session import Session, checked_token, command, token_of_environment
from kindred_client.client import Kindred

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


@command("login")
def login(session: Session) -> None:
    """Store the URL of a site and a token for it, if the site accepts the token.

    Asks for what --url, --token and their variables leave out. The site becomes the current one.
    """
    named = session.given_url or os.environ.get("KINDRED_URL", "")
    url = canonical(named or click.prompt("URL of the site", default=session.sites.current or None, err=True))
    if urlsplit(url).scheme == "http" and urlsplit(url).hostname not in LOCAL_HOSTS:
        say(f"Warning: {url} is not encrypted; whoever is in between reads the token.")
    say(f"Tokens are made at {url}/me/tokens/")
    given = session.given_token or token_of_environment(url)
    token = checked_token(given or click.prompt("Token", hide_input=True, err=True))
    if not token:
        raise click.UsageError("no token was given")
    with Kindred(url, token, transport=session.transport) as client:
        me = client.me()
    session.sites.keep(url, token)
    if session.as_json:
        return as_json({"url": url, **me})
    say(f"Signed in to {url} as {me['email']} ({me['role']}).")


@command("logout")
def logout(session: Session) -> None:
    """Forget the token of the current site, or of --url.

    The token itself lives until it ends or is revoked at /me/tokens/ of the site.
    """
    url = session.url
    stored = bool(session.sites.token(url))
    if stored:
        session.sites.forget(url)
    if session.as_json:
        return as_json({"url": url, "forgotten": stored, "current": session.sites.current or None})
    say(f"Forgot the token of {url}." if stored else f"There was no token of {url}.")
    if session.sites.current:
        say(f"The current site is {session.sites.current}.")


@command("use")
@click.argument("url_of_site", metavar="URL")
def use(session: Session, url_of_site: str) -> None:
    """Make another site that is signed in to the current one."""
    url = canonical(url_of_site)
    token = session.sites.token(url)
    if not token:
        there = ", ".join(session.sites.tokens) or "none"
        raise click.UsageError(f"not signed in to {url}; known sites: {there}")
    session.sites.keep(url, token)
    if session.as_json:
        return as_json({"current": url})
    say(f"The current site is {url}.")


@command("whoami")
def whoami(session: Session) -> None:
    """Show whose token is used, and where."""
    me = {"url": session.url, **session.client.me()}
    if session.as_json:
        return as_json(me)
    table([me], ("url", "email", "display_name", "role"))


COMMANDS = (login, logout, use, whoami)
