"""Signing in and out: tokens are asked for without being shown, and never printed."""

import os
from urllib.parse import urlsplit

import click

from kindred_client.cli.config import canonical
from kindred_client.cli.session import Session, checked_token, command, token_of_environment
from kindred_client.cli.showing import as_json, say, table
from kindred_client.client import Kindred

LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


@command("login")
def login(session: Session) -> None:
    """Store a site's address and a token for it, when the site knows the token.

    Asks for what --address, --token and their variables do not tell. The site becomes the current one.
    """
    known = session.given_address or os.environ.get("KINDRED_ADDRESS", "")
    address = canonical(known or click.prompt("Address of the site", default=session.sites.current or None, err=True))
    if urlsplit(address).scheme == "http" and urlsplit(address).hostname not in LOCAL_HOSTS:
        say(f"Warning: {address} is not encrypted; whoever is in between reads the token.")
    say(f"Tokens are made at {address}/me/tokens/")
    given = session.given_token or token_of_environment(address)
    token = checked_token(given or click.prompt("Token", hide_input=True, err=True))
    if not token:
        raise click.UsageError("no token was given")
    with Kindred(address, token, transport=session.transport) as client:
        me = client.me()
    session.sites.keep(address, token)
    if session.as_json:
        return as_json({"address": address, **me})
    say(f"Signed in to {address} as {me['email']} ({me['role']}).")


@command("logout")
def logout(session: Session) -> None:
    """Forget the token of the current site, or of --address.

    The token itself lives until it ends or is revoked at /me/tokens/ of the site.
    """
    address = session.address
    known = bool(session.sites.token(address))
    if known:
        session.sites.forget(address)
    if session.as_json:
        return as_json({"address": address, "forgotten": known, "current": session.sites.current or None})
    say(f"Forgot the token of {address}." if known else f"There was no token of {address}.")
    if session.sites.current:
        say(f"The current site is {session.sites.current}.")


@command("use")
@click.argument("address_of_site", metavar="ADDRESS")
def use(session: Session, address_of_site: str) -> None:
    """Make another site that is signed in to the current one."""
    address = canonical(address_of_site)
    token = session.sites.token(address)
    if not token:
        there = ", ".join(session.sites.tokens) or "none"
        raise click.UsageError(f"not signed in to {address}; known sites: {there}")
    session.sites.keep(address, token)
    if session.as_json:
        return as_json({"current": address})
    say(f"The current site is {address}.")


@command("whoami")
def whoami(session: Session) -> None:
    """Show whose token is used, and where."""
    me = {"address": session.address, **session.client.me()}
    if session.as_json:
        return as_json(me)
    table([me], ("address", "email", "display_name", "role"))


COMMANDS = (login, logout, use, whoami)
