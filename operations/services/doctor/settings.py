"""Checks of the settings: names of variables, what Django and the site's own checks say, and who may reach the site."""

import os
import re
import socket
import ssl
import time
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from django.conf import settings
from django.core import checks

from config import places
from config.environment import BASE_DIR, env
from operations.services.doctor.findings import Check, Finding, failure, ok, warning
from operations.services.doctor.masking import brief

OWN = "KINDRED_"
OF_OTHER_PROGRAMS = {"KINDRED_URL", "KINDRED_TOKEN", "KINDRED_SCREENSHOTS", "KINDRED_RENEW_SNAPSHOTS"}
"""Of the client and of `make`, which may share a shell with the site."""
NEAR, NEAR_OF_OTHERS = 0.8, 0.9
"""How alike two names must be, 0 to 1, for one to be taken for the other mistyped."""
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "testserver"}
LOCAL_NAMES = (".localhost", ".local")
TOLD_ELSEWHERE = {"kindred.backups.E001"}
HTTPS_PORT, CERTIFICATE_SECONDS, LEAST_DAYS = 443, 5.0, 14
SEE = "See docs/settings.md."


def known_names() -> set[str]:
    """Return every variable that the settings read, and those of the Procfile and of Caddy."""
    names = set(env.names)
    for file, pattern in (("Procfile", r"\$\{([A-Z_]+):-"), ("deploy/Caddyfile", r"\{\$([A-Z_]+):")):
        path = Path(BASE_DIR) / file
        names |= set(re.findall(pattern, path.read_text())) if path.is_file() else set()
    return names


def variables() -> Iterator[Finding]:
    """Look for variables whose names are mistyped: nobody reads them, and nothing else says so."""
    known = known_names()
    unread = sorted(set(os.environ) - known - OF_OTHER_PROGRAMS)
    count = 0
    for name in unread:
        near = get_close_matches(name, known, 1, NEAR if name.startswith(OWN) else NEAR_OF_OTHERS)
        if near and near[0] not in os.environ:
            count += 1
            yield failure(f"{name} is set, but the site reads no such variable.", f"Rename it to {near[0]}. {SEE}")
        elif name.startswith(OWN):
            count += 1
            yield warning(f"{name} is set, but the site reads no such variable.", f"Remove it, or correct it. {SEE}")
    if not count:
        yield ok(f"The site reads every {OWN}… variable that is set.")


def system_checks() -> Iterator[Finding]:
    """Report Django's checks and the site's own; those of a deployment where the site is for others."""
    messages = checks.run_checks(include_deployment_checks=settings.HTTPS)
    shown = [message for message in messages if not message.is_silenced() and message.id not in TOLD_ELSEWHERE]
    for message in shown:
        make = failure if message.is_serious() else warning
        yield make(f"{message.msg} ({message.id})", message.hint or f"Run `python manage.py check --deploy`. {SEE}")
    if not shown:
        what = "`manage.py check --deploy`" if settings.HTTPS else "`manage.py check`"
        yield ok(f"{what} has nothing to say.")


def other_hosts() -> list[str]:
    """Return the host names of the site that other machines may call it by."""
    return [host for host in settings.ALLOWED_HOSTS if host not in LOCAL_HOSTS and not host.endswith(LOCAL_NAMES)]


def exposure() -> Iterator[Finding]:
    """Look at who can reach the site, and how."""
    faults = [*_of_hosts(), *_of_proxies(), *_of_secret()]
    yield from faults
    if not faults:
        scheme = "https" if settings.HTTPS else "http"
        yield ok(f"The site answers over {scheme} for {', '.join(settings.ALLOWED_HOSTS)}.")


def _of_hosts() -> Iterator[Finding]:
    others = other_hosts()
    if "*" in others:
        do = "Set ALLOWED_HOSTS to the host names of the site, comma-separated."
        yield warning("ALLOWED_HOSTS is *: links in mails may name any host that a client sends.", do)
    if others and not settings.HTTPS:
        seen = f"ALLOWED_HOSTS names {', '.join(others)}, but KINDRED_HTTPS is false: passwords travel readable."
        yield warning(seen, "Set KINDRED_HTTPS=true and put Caddy in front (docs/deploy.md).")
    if settings.HTTPS and not others:
        seen = f"KINDRED_HTTPS is true, but ALLOWED_HOSTS is {', '.join(settings.ALLOWED_HOSTS)}: others get 400."
        yield failure(seen, "Set ALLOWED_HOSTS to the host name of the site.")
    if settings.DEBUG and not settings.HTTPS:  # with HTTPS Django's own check says so
        do = "Unset KINDRED_DEBUG where others can reach the site."
        yield warning("KINDRED_DEBUG is true: error pages show code and settings.", do)


def _of_proxies() -> Iterator[Finding]:
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        seen = "KINDRED_HTTPS is true, but KINDRED_TRUSTED_PROXIES is 0: behind a proxy every page redirects to itself."
        yield warning(seen, "Set KINDRED_TRUSTED_PROXIES to the number of proxies in front of the site, usually 1.")
    if settings.TRUSTED_PROXIES < 0:
        seen = f"KINDRED_TRUSTED_PROXIES is {settings.TRUSTED_PROXIES}."
        yield failure(seen, "Set it to the number of proxies in front of the site, or 0.")


def _of_secret() -> Iterator[Finding]:
    made = places.var() / "secret_key"
    if settings.HTTPS and made.is_file() and made.read_text() == settings.SECRET_KEY:
        seen = f"SECRET_KEY is the secret that was made for http, in {made}."
        yield warning(seen, "Set SECRET_KEY to 50 new random characters, and delete the file.")


def certificate() -> Iterator[Finding]:
    """Look at the certificate that browsers get, where the site is served over HTTPS."""
    hosts = [host.lstrip(".") for host in other_hosts() if host != "*"]
    if not settings.HTTPS or not hosts:
        yield ok("The site is not served over HTTPS to other hosts.")
        return
    for host in hosts:
        yield _certificate_of(host)


def _certificate_of(host: str) -> Finding:
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, HTTPS_PORT), CERTIFICATE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            until = str((secure.getpeercert() or {})["notAfter"])
    except ssl.SSLCertVerificationError as error:
        seen = f"Browsers refuse the certificate of {host}: {error.verify_message}."
        return failure(seen, "Look at Caddy's log: it renews certificates, and says why it cannot.")
    except OSError as error:
        seen = f"https://{host} does not answer from here: {brief(error)}."
        return warning(seen, "Start the proxy, or ignore this where the host cannot reach its own public name.")
    days = int((ssl.cert_time_to_seconds(until) - time.time()) // 86_400)
    if days < LEAST_DAYS:
        do = "Look at Caddy's log: it renews certificates a month before they expire."
        return warning(f"The certificate of {host} expires in {days} days, on {until}.", do)
    return ok(f"The certificate of {host} is valid for {days} days.")


CHECKS = (
    Check("variables", "settings", variables),
    Check("system-checks", "settings", system_checks, seconds=60),
    Check("exposure", "settings", exposure),
    Check("certificate", "settings", certificate),
)
