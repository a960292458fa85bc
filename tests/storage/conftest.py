"""Storages to test: the folder of one machine, and a bucket that two hosts share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as current
from django.test import override_settings
from pytest_django import Settings

from storage.store import Store, store
from tests.retrieval.world import places
from tests.storage.server import KEY, S3Server


@pytest.fixture
def bucket(s3: S3Server, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the site's files be in a new bucket; return its name."""
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    name = s3.new_bucket()
    settings.STORAGE_URL = s3.url(name)
    return name


@pytest.fixture
def shared(bucket: str, db: None) -> Store:
    """Return a storage in a new bucket."""
    return store()


@pytest.fixture(params=["folder", "s3"])
def any_store(request: pytest.FixtureRequest, db: None) -> Store:
    """Return each kind of storage, empty."""
    if request.param == "s3":
        request.getfixturevalue("bucket")
    return store()


@contextmanager
def host(name: str) -> Iterator[Path]:
    """Be another host of the site: with folders of its own. Yield its media folder."""
    var = Path(current.VAR_DIR).parent / name
    with override_settings(**places(var)):
        yield var / "media"
