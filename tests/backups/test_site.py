from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import models

from backups.services.site import check_site
from retrieval.models import Image, Index, Model, Search
from retrieval.pages.services.storage import needed
from tests.backups.sites import media, run, small_site
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db


def test_every_file_of_a_trained_site_agrees_with_its_row(world: World) -> None:
    assert list(check_site()) == []
    needs = {file.row[0] for file in needed.needed_files()}
    assert {"Dataset", "Image", "Model", "Index"} <= needs


@pytest.mark.parametrize("kind", [Image, Model, Index])
def test_a_damaged_a_shorter_and_a_missing_file_are_told(world: World, kind: type[models.Model]) -> None:
    files = [file for file in needed.needed_files() if file.row[0] == kind.__name__ and file.sha256]
    place = needed.place_of(files[0].path)
    data = place.read_bytes()
    for damage in (data[:-1] + bytes([data[-1] ^ 1]), data[:-1], None):
        if damage is None:
            place.unlink()
        else:
            replaced(place, damage)
        [fault] = check_site()
        assert fault.startswith(f"{files[0].path} of {kind.__name__.lower()} {files[0].row[1]} ")


def test_faults_make_the_command_fail(db: None) -> None:
    small_site()
    assert "No fault" in run("verify")
    Search.objects.get().upload.unlink()
    media("uploads/waiting.zip").unlink()
    with pytest.raises(CommandError, match="2 faults"):
        run("verify")


def test_what_went_with_its_row_is_no_fault(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    small_site()
    search = Search.objects.get()
    [gone] = [file for file in needed.needed_files() if file.row == ("Search", search.pk)]
    needed.place_of(gone.path).unlink()
    assert needed.is_still_needed(gone)
    search.delete()
    assert not needed.is_still_needed(gone)


def test_a_folder_that_cannot_be_read_is_told(db: None) -> None:
    small_site()
    upload = Search.objects.get().upload
    upload.unlink()
    upload.mkdir()
    [fault] = check_site()
    assert str(Path(upload).name) in fault
