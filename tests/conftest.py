"""What every test stands on: its own folder for files, a database file, a broker in memory, three people."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts import services
from accounts.models import User
from config.celery import app
from tests.fixtures.memory_engine import memory_engine  # noqa: F401  # a fixture: a vector store in memory
from tests.jobs.live import live  # noqa: F401  # a fixture for every test that needs real workers
from tests.migrating import empty_database  # noqa: F401  # a fixture: a database without a table
from tests.milvus_server import milvus  # noqa: F401  # a fixture: a real Milvus server
from tests.planted import planted, planted_loss  # noqa: F401  # fixtures: a metric and a loss in their tables
from tests.retrieval.children import children_here  # noqa: F401  # a fixture: jobs' children as calls
from tests.retrieval.world import fresh_engine, trained, world  # noqa: F401  # fixtures: data and trained models
from tests.storage.server import s3  # noqa: F401  # a fixture: a real S3 server

PASSWORD = "quite-a-good-passphrase"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep SQLite in a file of this session: in memory, threads would share one connection's locks."""
    from django.db import connection

    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture(autouse=True)
def own_surroundings(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Give each test its own files, an empty cache, a broker in memory, fast passwords and no heartbeat in its time."""
    settings.VAR_DIR = tmp_path / "var"
    settings.MEDIA_ROOT = settings.VAR_DIR / "media"
    settings.CACHE_DIR = settings.VAR_DIR / "cache"
    settings.WEIGHTS_DIR = settings.VAR_DIR / "weights"
    settings.IMPORT_ROOTS = [settings.VAR_DIR / "imports"]
    # A job within a test's transaction is hidden from the heartbeat's connection, and would be taken for lost.
    settings.JOB_HEARTBEAT_SECONDS = 3600
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    before = app.conf.broker_url
    app.conf.broker_url = "memory://"
    yield
    app.conf.broker_url = before


def person(name: str, role: str) -> User:
    return services.create_account(f"{name}@example.org", PASSWORD, role, name.title())


@pytest.fixture
def member(db: None) -> User:
    return person("mia", "member")


@pytest.fixture
def other_member(db: None) -> User:
    return person("otto", "member")


@pytest.fixture
def curator(db: None) -> User:
    return person("cora", "curator")


@pytest.fixture
def admin(db: None) -> User:
    return person("ada", "admin")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def proven(client: Client) -> Client:
    """Have the client say the password of its account once more, as before all that concerns its safety."""
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


@pytest.fixture
def member_client(member: User) -> Client:
    return signed_in(member)


@pytest.fixture
def curator_client(curator: User) -> Client:
    return signed_in(curator)


@pytest.fixture
def admin_client(admin: User) -> Client:
    return signed_in(admin)


def api_of(user: User, **token: Any) -> APIClient:
    """Return an API client that sends a token of that person."""
    _, secret = services.create_token(user, "tests", **token)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


@pytest.fixture
def member_api(member: User) -> APIClient:
    return api_of(member)


@pytest.fixture
def curator_api(curator: User) -> APIClient:
    return api_of(curator)
