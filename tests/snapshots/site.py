"""The site whose pages are stored: the data of a release, which is the same on every machine, at one moment."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.account.internal.flows.login import record_authentication
from django.contrib.auth import get_user
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from tests.fixtures.loading import loaded
from tests.fixtures.packing import told, unpack_files

RELEASE = Path(__file__).parents[1] / "fixtures" / "0.1.0"
NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
"""Half an hour after the data was made."""

ROLES = {"visitor": None, "member": "mia", "curator": "cora", "admin": "ada"}


@dataclass(frozen=True)
class Site:
    """What a scene has before it."""

    keys: dict[str, Any]
    classes: list[str]

    def browser(self, role: str) -> Client:
        """Return a browser of somebody who has signed in some time ago, or of a visitor."""
        browser = Client(headers={"user-agent": "Firefox"})
        if name := ROLES[role]:
            browser.cookies["sessionid"] = self.keys["sessions"][name]
        return browser

    def proven(self, role: str) -> Client:
        """Return a browser whose owner has just said the password once more."""
        browser = self.browser(role)
        request = HttpRequest()
        request.session = browser.session
        record_authentication(request, get_user(request), "password", reauthenticated=True)
        request.session.save()
        return browser


@contextmanager
def undone() -> Iterator[None]:
    """Take back afterwards whatever is done to the rows; mails and counters are gone too."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    mail.outbox.clear()
    cache.clear()


@pytest.fixture(scope="module")
def unpacked(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Load the rows and migrate them, once; return the folder of the files."""
    folder = tmp_path_factory.mktemp("pages")
    unpack_files(RELEASE, folder / "var")
    with django_db_blocker.unblock(), loaded(RELEASE, folder):
        yield folder / "var"


@pytest.fixture
def site(
    unpacked: Path,
    db: None,
    own_surroundings: None,
    fresh_engine: None,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    """Give a test files of its own, and the clock of that moment."""
    shutil.copytree(unpacked, settings.VAR_DIR, copy_function=os.link, dirs_exist_ok=True)
    contents, keys = told(RELEASE)
    classes = [name for row in contents["datasets"].values() if row["labelled"] for name in row["classes"]]
    settings.SECRET_KEY = keys["secret_key"]
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    monkeypatch.setattr(time, "time", NOW.timestamp)
    return Site(keys, classes)
