import hashlib
import os
from pathlib import Path

import pytest
from django.conf import settings

from retrieval.registry.services import checksums
from tests.retrieval.world import World, done, replaced


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "embeddings.npy"
    place.write_bytes(b"numbers")
    return place


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_small_file_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checksums.checksum_of(file) == sha256(b"numbers")
    monkeypatch.setattr(checksums, "sha256_of_file", None)
    assert checksums.checksum_of(file) == sha256(b"numbers")


def test_a_large_file_is_read_by_a_worker_only(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "SMALL", 3)
    assert checksums.checksum_of(file) is None
    assert checksums.keep_checksum(file) == sha256(b"numbers") == checksums.checksum_of(file)


def test_another_file_of_the_same_name_has_its_own_checksum(file: Path) -> None:
    checksums.checksum_of(file)
    replaced(file, b"letters")
    os.utime(file, (1, 1))
    assert checksums.checksum_of(file) == sha256(b"letters")


def test_a_checksum_that_could_not_be_stored_is_computed_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk"):
        broken.setattr(Path, "replace", fail)
        checksums.checksum_of(file)
    assert checksums.checksum_of(file) == sha256(b"numbers")


@pytest.mark.django_db
def test_building_an_index_leaves_the_checksums_of_the_embeddings(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retrieval.registry.services.indexes import submit_index

    model = world.models[0]
    monkeypatch.setattr(checksums, "SMALL", 0)
    assert checksums.checksum_of(model.folder / "embeddings.npy") is None
    done(submit_index(model, by=None))
    for name in ("embeddings.npy", "images.csv"):
        assert checksums.checksum_of(model.folder / name) == sha256((model.folder / name).read_bytes())
    assert (Path(settings.CACHE_DIR) / "checksums").is_dir()
