"""A site whose files are in a bucket is backed up, and restored into another bucket."""

from pathlib import Path

import pytest
from django.conf import settings as current
from django.core.management import CommandError
from pytest_django import Settings

from retrieval.datasets.services.importing import submit_import
from retrieval.models import Dataset, Search
from storage.store import store
from tests.backups.sites import PICTURES, run, small_site
from tests.retrieval.world import done
from tests.storage.conftest import host
from tests.storage.server import S3Server

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def test_the_drill(bucket: str, s3: S3Server, settings: Settings, tmp_path: Path) -> None:
    url, settings.STORAGE_URL = settings.STORAGE_URL, ""
    with host("a"):
        small_site()
        run("storage", "move", url)
    settings.STORAGE_URL = url
    with host("b"):
        moths = submit_import(name="More", by=None, source="wings:species=4,per_class=4,size=32,seed=7")
        done(moths.job)
        moths.refresh_from_db()
        hidden = moths.images.first()
        assert hidden is not None
        moths.images.filter(pk=hidden.pk).update(hidden=True)

    with host("c") as media:
        Path(current.VAR_DIR).mkdir()
        assert "Backed up" in run("backup", tmp_path / "backup")
        assert "No fault" in run("verify", tmp_path / "backup")
        assert not list((media / "searches").glob("*")), "no copy of a private picture is left"
    kept = tmp_path / "backup/media"
    assert (kept / hidden.storage_key).is_file() and (kept / "uploads/waiting.zip").read_bytes() == b"archive"
    assert (tmp_path / "backup/weights/small.safetensors").read_bytes() == b"weights"
    assert not (kept / "parts").exists() and not (kept / "checkpoints").exists()

    with host("d"):
        Path(current.VAR_DIR).mkdir()
        with pytest.raises(CommandError, match="restore without it, then move"):
            run("restore", tmp_path / "backup", "--force")

    settings.STORAGE_URL = ""
    with host("d"):
        assert "Restored" in run("restore", tmp_path / "backup", "--force")
        assert "No fault" in run("verify")
        url = s3.url(s3.new_bucket())
        assert "All files are there" in run("storage", "move", url)
    settings.STORAGE_URL = url
    with host("e"):
        assert "No fault" in run("verify")
        assert Dataset.objects.get(name="Wings").images.get(path="a/1.png").file.read_bytes() == PICTURES["a/1.png"]
        assert store().open(Search.objects.get().upload_key).read() == b"own picture"
