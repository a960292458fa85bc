"""One backup of the small site a session, for tests that only damage or read it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from accounts.models import User
from backups.services.backing_up import back_up
from jobs.models import Job
from retrieval.models import Dataset, Search
from tests.backups.sites import small_site
from tests.retrieval.world import places


@pytest.fixture(scope="session")
def backup_of_session(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    var = tmp_path_factory.mktemp("small")
    with django_db_blocker.unblock(), override_settings(**places(var)):
        try:
            small_site()
            back_up(var / "backup")
        finally:
            for kind in (Search, Dataset, Job, User):
                kind._default_manager.all().delete()
    yield var / "backup"


@pytest.fixture
def small_backup(backup_of_session: Path, tmp_path: Path) -> Path:
    """A copy of the session's backup."""
    return Path(shutil.copytree(backup_of_session, tmp_path / "backup"))
