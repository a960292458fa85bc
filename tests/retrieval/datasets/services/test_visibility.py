from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from retrieval.datasets.services import importing, visibility
from retrieval.models import Dataset
from tests.retrieval.pictures import write_folder

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_visitors_see_public_sets_members_the_imported_and_curators_all(member: User, curator: User) -> None:
    folder = write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", {"wren": 1})
    waiting = importing.submit_import(name="Waiting", by=curator, source=str(folder))
    Dataset.objects.create(name="Members", slug="members", source="x", revision=1)
    Dataset.objects.create(name="Public", slug="public", source="x", revision=1, public=True)

    def names(user: Any) -> list[str]:
        return [dataset.name for dataset in visibility.visible_datasets(user)]

    assert names(AnonymousUser()) == ["Public"]
    assert names(member) == ["Members", "Public"]
    assert names(curator) == ["Members", "Public", "Waiting"]
    visibility.set_public(waiting, True)
    assert names(AnonymousUser()) == ["Public"]  # public, yet not imported
