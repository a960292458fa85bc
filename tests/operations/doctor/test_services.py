"""Planted faults of the database, the broker, the cache, mail, the encoder and the vector store."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from config.celery import app
from operations.services.doctor import services
from retrieval.models import Index
from tests.fixtures.memory_engine import URL, MemoryEngine
from tests.operations.doctor import faulty_servers
from tests.operations.doctor.conftest import Talk
from tests.operations.doctor.doctoring import Doctor, hurried, report
from tests.retrieval.world import World

Serve = Callable[[Talk], int]


def listens(port: int) -> bool:
    """Say whether a service of this machine answers on its usual port."""
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def no_broker_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests name another broker: Celery prefers the environment's."""
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)


# --- the database


@pytest.fixture
def other_database(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that leads new connections, which checks have, to a PostgreSQL server."""

    def lead(port: int, **changes: Any) -> None:
        given = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": port, "NAME": "kindred"}
        account = {"USER": "mia", "PASSWORD": "hunter2-secret", "OPTIONS": {}}
        changed = {**connections.settings["default"], **given, **account, **changes}
        monkeypatch.setitem(connections.settings, "default", changed)

    return lead


def only_failure(check: str) -> dict[str, str]:
    """Return the failure of a check, which is the only one of the whole report; what needs it was skipped."""
    _, rows = report()
    [failed] = Doctor.failures(rows)
    assert failed["check"] == check, failed
    return failed


def test_a_wrong_password_of_postgresql(healthy: Doctor, serve: Serve, other_database: Callable[..., None]) -> None:
    other_database(serve(faulty_servers.refusing_postgresql))
    failed = only_failure("database")
    assert "refuses this site's account" in failed["seen"] and "password authentication failed" in failed["seen"]
    assert "DATABASE_URL" in failed["do"] and "hunter2-secret" not in str(failed)


def test_a_database_that_is_not_there(healthy: Doctor, other_database: Callable[..., None]) -> None:
    other_database(1)
    failed = only_failure("database")
    assert "does not answer" in failed["seen"] and "127.0.0.1:1" in failed["seen"] and "Start it" in failed["do"]


def test_a_database_that_says_nothing(healthy: Doctor, serve: Serve, other_database: Callable[..., None]) -> None:
    other_database(serve(faulty_servers.silent))
    [finding] = hurried("database", 0.5)
    assert finding["level"] == "failure" and "no result within 0.5 seconds" in finding["seen"]


@pytest.mark.services
@pytest.mark.skipif(not listens(5432), reason="no PostgreSQL listens")
def test_a_real_postgresql_that_does_not_know_the_account(healthy: Doctor, other_database: Callable[..., None]) -> None:
    other_database(5432, USER="nobody_at_all")
    failed = only_failure("database")
    assert "refuses this site's account" in failed["seen"] and "nobody_at_all" in failed["seen"]


@pytest.mark.services
@pytest.mark.skipif(not listens(5432), reason="no PostgreSQL listens")
def test_a_real_postgresql_without_the_database(healthy: Doctor, other_database: Callable[..., None]) -> None:
    other_database(5432, USER="postgres", NAME="kindred_that_is_not")
    failed = only_failure("database")
    assert "lacks what the URL names" in failed["seen"] and "Create it" in failed["do"]


@pytest.mark.services
@pytest.mark.skipif(not listens(5432), reason="no PostgreSQL listens")
def test_too_few_connections_of_a_real_postgresql(
    settings: Settings, other_database: Callable[..., None], db: None
) -> None:
    other_database(5432, USER="postgres", NAME="postgres")
    settings.WEB_PROCESSES = 50
    [finding] = hurried("connections", 15)
    assert finding["level"] == "warning" and "this host may open 3610" in finding["seen"]
    assert "max_connections" in finding["do"]


@pytest.mark.services
@pytest.mark.skipif(not listens(5432), reason="no PostgreSQL listens")
def test_the_clock_of_a_real_postgresql(other_database: Callable[..., None], db: None) -> None:
    other_database(5432, USER="postgres", NAME="postgres")
    assert hurried("clocks", 15) == [
        {"level": "ok", "seen": "This machine's clock agrees with the database's.", "do": ""}
    ]


def test_connections_are_counted_as_the_page_says(settings: Settings) -> None:
    settings.WEB_PROCESSES = 2
    assert services.connections_needed() == 2 * 72 + services.WORKER_CONNECTIONS


# --- the broker and the cache


@pytest.fixture
def redis_port(request: pytest.FixtureRequest, serve: Serve) -> int:
    """Return the port of a Redis: one that refuses every account, or the real one, which does not know ours."""
    if request.param == "real":
        if not listens(6379):
            pytest.skip("no Redis listens")
        return 6379
    return serve(faulty_servers.refusing_redis)


BOTH = pytest.mark.parametrize(
    "redis_port", ["planted", pytest.param("real", marks=pytest.mark.services)], indirect=True
)


@BOTH
def test_a_wrong_password_of_the_broker(healthy: Doctor, redis_port: int) -> None:
    app.conf.broker_url = f"redis://nobody:hunter2-secret@127.0.0.1:{redis_port}/0"
    failed = only_failure("broker")
    assert "refuses this site's account" in failed["seen"] and "CELERY_BROKER_URL" in failed["do"]
    assert "nobody:***@" in failed["seen"] and "hunter2" not in str(failed)


@BOTH
def test_a_wrong_password_of_the_cache(healthy: Doctor, redis_port: int, settings: Settings) -> None:
    location = f"redis://nobody:hunter2-secret@127.0.0.1:{redis_port}/0"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location}}
    failed = only_failure("cache")
    assert "refuses this site's account" in failed["seen"] and "CACHE_URL" in failed["do"]
    assert "hunter2" not in str(failed)


@pytest.mark.services
@pytest.mark.skipif(not listens(5672), reason="no RabbitMQ listens")
def test_a_wrong_password_of_a_real_rabbitmq(healthy: Doctor) -> None:
    app.conf.broker_url = "amqp://guest:hunter2-secret@127.0.0.1:5672//"
    failed = only_failure("broker")
    assert "refuses this site's account" in failed["seen"] and "hunter2" not in str(failed)


def test_a_broker_that_is_not_there(healthy: Doctor) -> None:
    app.conf.broker_url = "redis://127.0.0.1:1/0"
    failed = only_failure("broker")
    assert "does not answer" in failed["seen"] and "Start it" in failed["do"]


def test_an_unknown_kind_of_broker(healthy: Doctor) -> None:
    app.conf.broker_url = "pigeon://127.0.0.1"
    failed = only_failure("broker")
    assert "pigeon" in failed["seen"] and "redis:// or amqp://" in failed["do"]


def test_an_expired_certificate_of_the_broker(healthy: Doctor, serve_tls: Callable[[int], int]) -> None:
    app.conf.broker_url = f"rediss://127.0.0.2:{serve_tls(-3)}/0?ssl_cert_reqs=required"
    failed = only_failure("broker")
    assert "is not trusted" in failed["seen"] and "certificate has expired" in failed["seen"]
    assert "Renew its certificate" in failed["do"]


# --- mail and the encoder


def test_a_wrong_password_of_the_mail_server(healthy: Doctor, serve: Serve, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", serve(faulty_servers.refusing_mail)
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "mia", "hunter2-secret"
    failed = only_failure("mail")
    assert "refuses this site's account" in failed["seen"] and "EMAIL_URL" in failed["do"]


def test_a_mail_server_that_is_not_there(healthy: Doctor, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert "127.0.0.1:1 does not answer" in only_failure("mail")["seen"]


def test_mail_that_nobody_gets(healthy: Doctor, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["kindred.example"]
    found = {row["check"]: row for row in healthy.new()}
    assert set(found) == {"mail", "exposure"} and "EMAIL_URL" in found["mail"]["do"]


def test_an_encoder_that_is_not_there(healthy: Doctor, settings: Settings) -> None:
    settings.ENCODER_URL = "http://127.0.0.1:1"
    failed = only_failure("encoder")
    assert "http://127.0.0.1:1 does not answer" in failed["seen"] and "manage.py encoder" in failed["do"]


def test_an_encoder_that_is_not_ready(healthy: Doctor, settings: Settings, serve: Serve) -> None:
    def talk(there: socket.socket) -> None:
        there.recv(4096)
        there.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    settings.ENCODER_URL = f"http://127.0.0.1:{serve(talk)}"
    assert "its /readyz says 503" in only_failure("encoder")["seen"]


# --- the vector store


@pytest.fixture
def in_vector_store(
    healthy: Doctor, world: World, memory_engine: type[MemoryEngine], settings: Settings
) -> Iterator[Index]:
    """Let an active index be in a vector store, which has its collection."""
    settings.VECTOR_STORE_URL = URL
    index = world.index_of(world.models[0])
    index.collection = index.manifest["collection"] = "kindred_collection"
    index.manifest |= {"engine": "memory", "format": 3}
    index.save()
    MemoryEngine("").create("kindred_collection", 16, links=8, ef_construction=50)
    yield index


def test_a_vector_store_that_is_away(healthy: Doctor, memory_engine: type[MemoryEngine], settings: Settings) -> None:
    settings.VECTOR_STORE_URL = URL
    assert healthy.new() == []
    memory_engine.away = True
    failed = only_failure("vectors")
    assert "does not answer" in failed["seen"] and "VECTOR_STORE_URL" in failed["do"]


def test_a_collection_that_is_lost(in_vector_store: Index, memory_engine: type[MemoryEngine]) -> None:
    assert {finding["level"] for finding in hurried("collections", 15)} == {"ok"}
    memory_engine.kept.clear()
    [finding] = hurried("collections", 15)
    assert f"has lost index {in_vector_store.pk}" in finding["seen"] and "vectors refill" in finding["do"]


def test_a_vector_store_that_nobody_names(in_vector_store: Index, settings: Settings) -> None:
    settings.VECTOR_STORE_URL = ""
    [finding] = hurried("collections", 15)
    assert "VECTOR_STORE_URL is not set" in finding["seen"] and "vectors move" in finding["do"]


def test_a_url_of_no_vector_store(healthy: Doctor, settings: Settings) -> None:
    settings.VECTOR_STORE_URL = "ftp://host"
    found = {row["check"] for row in healthy.new()}
    assert found == {"vectors", "system-checks"}
