"""A database, a cache and queues of a site's own, on the servers that the environment names; removed afterwards.

Without DATABASE_URL, CACHE_URL or CELERY_BROKER_URL the site takes what is embedded: files in its folder.
"""

import contextlib
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2  # type: ignore[import-untyped]
import redis

from benchmarks.measuring import ROOT

REDIS_DATABASES = range(15, -1, -1)  # as many as Redis has by default, from the end: people begin at 0
SERVERS = ("DATABASE_URL", "CACHE_URL", "CELERY_BROKER_URL")
ELSEWHERE = ("STORAGE_URL", "VECTOR_STORE_URL", "ENCODER_URL")  # of the person's own site, which must not be touched
OTHER_ADDRESS = ("KINDRED_HTTPS", "KINDRED_URL_PREFIX", "ALLOWED_HOSTS", "KINDRED_METRICS_TOKEN")

DELETE_QUEUES = """
from config.celery import app
with app.connection_for_write() as broker:
    for queue in app.amqp.queues.values():
        bound = queue(broker.default_channel)
        bound.declare()  # Redis forgets a binding only where it was made
        bound.delete()
        bound.exchange.delete()
"""


def base_environment(var: Path) -> dict[str, str]:
    """Return the environment of a site in `var`: that of this process, without the settings of another site.

    The server believes the first proxy, so that each client may have an IP address of its own, as people have.
    """
    left_out = {*ELSEWHERE, *OTHER_ADDRESS, *(name for name in SERVERS if not os.environ.get(name))}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "KINDRED_VAR": str(var),
        "KINDRED_TRUSTED_PROXIES": "1",
        "LOG_LEVEL": "WARNING",
    }


@contextlib.contextmanager
def own_services() -> Iterator[dict[str, str]]:
    """Yield the settings of services that nobody else uses; remove them once the site has ended."""
    name = f"kindred_load_{uuid.uuid4().hex[:12]}"
    with contextlib.ExitStack() as stack:
        settings = {"CELERY_QUEUE_PREFIX": f"{name}-"}
        if url := os.environ.get("DATABASE_URL", ""):
            settings["DATABASE_URL"] = stack.enter_context(_own_database(url, name))
        if url := os.environ.get("CACHE_URL", ""):
            settings["CACHE_URL"] = stack.enter_context(_own_cache(url, name))
        yield settings


@contextlib.contextmanager
def _own_database(url: str, name: str) -> Iterator[str]:
    if not urlsplit(url).scheme.startswith("postgres"):
        raise SystemExit(f"DATABASE_URL must name a PostgreSQL server, or be empty for SQLite: {urlsplit(url).scheme}")
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"')
            try:
                yield urlsplit(url)._replace(path=f"/{name}").geturl()
            finally:
                cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def _own_cache(url: str, name: str) -> Iterator[str]:
    """Take an empty database of Redis: the cache has no prefix of its own that could keep two sites apart."""
    if not urlsplit(url).scheme.startswith("redis"):
        raise SystemExit(f"CACHE_URL must name a Redis server, or be empty: {urlsplit(url).scheme}")
    for number in REDIS_DATABASES:
        own = urlsplit(url)._replace(path=f"/{number}").geturl()
        if own == os.environ.get("CELERY_BROKER_URL"):
            continue
        with contextlib.closing(redis.Redis.from_url(own)) as server:
            if server.dbsize() or not server.set("taken-by", name, nx=True):
                continue
            try:
                yield own
            finally:
                server.flushdb()
            return
    raise SystemExit("every database of Redis has keys; the load needs an empty one")
