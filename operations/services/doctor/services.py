"""Checks of the database, the broker, the cache, the mail server and the encoder: do they admit the site?"""

import secrets
import smtplib
from collections.abc import Iterator

import httpx
from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import Error, connection

from config import health
from config.celery import app, broker_errors
from operations.services.doctor.faults import explained
from operations.services.doctor.findings import Check, Finding, failure, ok, warning
from operations.services.doctor.masking import masked
from operations.services.doctor.settings import other_hosts
from retrieval.errors import EncoderAway
from retrieval.registry.services.remote_encoders import check_encoder

WORKER_CONNECTIONS = 10
"""To the database, of workers and beat on one host: each has two or three."""
MAIL_SECONDS, ENCODER_SECONDS = 5, 5.0
FILES = "filesystem://"


def database() -> Iterator[Finding]:
    """Connect to the database and read its version."""
    name = _database_name()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        yield explained(error, f"The database {name}", "DATABASE_URL")
        return
    if connection.vendor not in ("sqlite", "postgresql"):
        do = "Use SQLite or PostgreSQL; Kindred is tested with these."
        yield failure(f"The database {name} is {connection.display_name}.", do)
    version = ".".join(map(str, connection.get_database_version()))
    yield ok(f"{connection.display_name} {version} answers: {name}.")
    if connection.vendor == "sqlite" and settings.STORAGE_URL:
        seen = "STORAGE_URL is set for several hosts, but the database is a file of this host."
        yield warning(seen, "Set DATABASE_URL to a PostgreSQL server that all hosts reach.")


def _database_name() -> str:
    given = connection.settings_dict
    host = f"{given['HOST'] or 'localhost'}:{given['PORT'] or 5432}/" if connection.vendor == "postgresql" else ""
    return f"{host}{given['NAME']}"


def connections_needed() -> int:
    """Return how many connections the site may hold at once, as docs/deploy.md counts them."""
    a_process = settings.WEB_THREADS + 2 * settings.UPLOADS_AT_ONCE + settings.DOWNLOADS_AT_ONCE
    return int(settings.WEB_PROCESSES * a_process + WORKER_CONNECTIONS)


def database_connections() -> Iterator[Finding]:
    """Compare the connections that the server allows with those that this host may open."""
    if connection.vendor != "postgresql":
        yield ok("A database file has no limit of connections.")
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        )
        allowed, needed = cursor.fetchone()[0], connections_needed()
    if needed > allowed:
        seen = f"PostgreSQL allows {allowed} connections; this host may open {needed}."
        do = f"Raise max_connections of PostgreSQL to {needed + 10} or more, or lower WEB_PROCESSES or WEB_THREADS."
        yield warning(seen, do)
    else:
        yield ok(f"PostgreSQL allows {allowed} connections; this host may open {needed}.")


def broker() -> Iterator[Finding]:
    """Connect to the broker of jobs."""
    url = masked(str(app.conf.broker_url))
    try:
        health.check_broker()
    except KeyError as error:
        yield failure(
            f"The broker {url} cannot be used: {error.args[0]}.", "Set CELERY_BROKER_URL to redis:// or amqp://."
        )
        return
    except broker_errors() as error:
        yield explained(error, f"The broker {url}", "CELERY_BROKER_URL")
        return
    yield ok(f"The broker answers: {url}.")
    if url.startswith(FILES) and settings.STORAGE_URL:
        seen = "STORAGE_URL is set for several hosts, but the queue is a folder of this host."
        yield warning(seen, "Set CELERY_BROKER_URL to a Redis or RabbitMQ that all hosts reach.")


def cache_server() -> Iterator[Finding]:
    """Set, read and delete a value of the cache."""
    given = settings.CACHES["default"]
    if given["BACKEND"].endswith("LocMemCache"):
        yield ok("The cache is in each process.")
        return
    key, value = f"doctor-{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        cache.set(key, value, 60)
        read = cache.get(key)
        cache.delete(key)
    except Exception as error:  # noqa: BLE001  # each kind of cache has its own errors
        yield explained(error, f"The cache {given['LOCATION']}", "CACHE_URL")
        return
    if read != value:
        seen = f"The cache {given['LOCATION']} lost a value that was just set."
        yield failure(seen, "Give the cache more memory, or see why it evicts.")
    else:
        yield ok("The cache answers, and keeps what is set.")


def mail() -> Iterator[Finding]:
    """Connect to the mail server and sign in; no mail is sent."""
    if "smtp" not in settings.EMAIL_BACKEND:
        if settings.HTTPS or other_hosts():
            seen = f"Mail is written to {settings.EMAIL_FILE_PATH}: nobody gets a link to confirm an address."
            yield warning(seen, "Set EMAIL_URL to a mail server.")
        else:
            yield ok(f"Mail is written to {settings.EMAIL_FILE_PATH}.")
        return
    where = f"The mail server {settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    server = get_connection(fail_silently=False, timeout=MAIL_SECONDS)
    try:
        server.open()
    except (OSError, smtplib.SMTPException) as error:
        yield explained(error, where, "EMAIL_URL")
        return
    server.close()
    yield ok(f"{where} answers, and accepts the account.")


def encoder() -> Iterator[Finding]:
    """Ask the encoder whether it is ready, where searches use one."""
    url = settings.ENCODER_URL
    if not url:
        yield ok("Each web process embeds pictures itself.")
        return
    try:
        answer = httpx.get(f"{url}/readyz", timeout=ENCODER_SECONDS)
    except httpx.HTTPError as error:
        yield explained(error, f"The encoder at {url}", "ENCODER_URL", "Start `python manage.py encoder` there.")
        return
    if answer.status_code != httpx.codes.OK:
        seen = f"The encoder at {url} is not ready: its /readyz says {answer.status_code}."
        yield failure(seen, "Look at the log of `python manage.py encoder`, and start it again.")
        return
    try:
        check_encoder()
    except EncoderAway as error:
        yield failure(f"{error}.", "Give both hosts the same SECRET_KEY, and set their clocks by NTP.")
    else:
        yield ok(f"The encoder at {url} is ready, and knows this host.")


CHECKS = (
    Check("database", "services", database, seconds=30),
    Check("connections", "services", database_connections, ("database",)),
    Check("broker", "services", broker),
    Check("cache", "services", cache_server),
    Check("mail", "services", mail, seconds=30),
    Check("encoder", "services", encoder),
)
