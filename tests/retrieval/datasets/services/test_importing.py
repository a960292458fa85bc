from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs import services as jobs
from jobs.models import Job
from mlcore.datasets import Source, load_dataset, open_source
from retrieval.datasets.services import importing
from retrieval.datasets.services.importing import submit_import
from retrieval.models import Dataset
from retrieval.registry.services.external_models import submit_model
from tests.retrieval.pictures import jpeg, write_folder, zipped
from tests.retrieval.world import done, failed, started

pytestmark = [pytest.mark.django_db, pytest.mark.services]

CLASSES = {"wren": 3, "robin": 3, "finch": 3, "tit": 3}


@pytest.fixture
def folder() -> Path:
    """Four classes of three pictures, where curators may import."""
    return write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", CLASSES)


def archive(files: dict[str, bytes], name: str = "birds.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, zipped(files))


def birds_zip() -> dict[str, bytes]:
    return {f"{name}/{number}.jpg": jpeg(10 * label + number) for label, name in enumerate("abcd") for number in (1, 2)}


def uploads() -> list[Path]:
    return list((settings.MEDIA_ROOT / "uploads").glob("*"))


# --- importing


def test_a_folder_becomes_rows_and_files_that_agree(curator: User, folder: Path) -> None:
    dataset = submit_import(name="Birds", by=curator, source=str(folder), licence="mine")
    job = done(dataset.job)
    dataset.refresh_from_db()
    assert job.owner == curator and job.result == {"dataset": dataset.pk, "images": 12, "classes": 4}
    assert dataset.is_ready and dataset.revision == 1 and dataset.licence == "mine"
    catalogue = load_dataset(dataset.folder)
    rows = {image.pk: image for image in dataset.images.all()}
    assert {picture.id for picture in catalogue.pictures} == set(rows) and len(rows) == 12
    assert catalogue.fingerprint == dataset.fingerprint and list(catalogue.classes) == dataset.class_names
    for picture in catalogue.pictures:
        image = rows[picture.id]
        assert (image.path, image.label, image.split, image.sha256) == (
            picture.path, picture.label, picture.split, picture.sha256,
        )  # fmt: skip
        assert (image.width, image.height) == (48, 32) and image.file.is_file()


def test_a_broken_file_is_reported_and_stops_nothing(curator: User, folder: Path) -> None:
    (folder / "wren" / "bad.jpg").write_text("no picture")
    dataset = submit_import(name="Birds", by=curator, source=str(folder))
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.report["images"] == 12
    [(name, reason)] = dataset.report["broken"]
    assert name.endswith("wren/bad.jpg") and "not a picture" in reason


def test_a_class_of_one_picture_is_imported_and_reported(curator: User) -> None:
    folder = write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", {**CLASSES, "dodo": 1})
    dataset = submit_import(name="Birds", by=curator, source=str(folder))
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.report["singleton_classes"] == ["dodo"] and dataset.report["images"] == 13


def test_a_set_of_one_class_fails_with_a_sentence_and_leaves_nothing(curator: User) -> None:
    folder = write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", {"wren": 4})
    dataset = submit_import(name="Birds", by=curator, source=str(folder))
    assert "class" in failed(dataset.job)
    dataset.refresh_from_db()
    assert not dataset.is_ready and not dataset.images.exists() and not dataset.folder.exists()
    assert not list(dataset.folder.parent.glob(".*"))


def test_an_import_keeps_the_queries_the_ks_and_the_remarks_of_its_source(
    curator: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def parted(where: Any, **options: Any) -> Iterator[Source]:
        with open_source(where, **options) as source:
            splits = ["train"] * 6 + ["query", "gallery", "gallery"] * 2
            items = [replace(item, split=split) for item, split in zip(source.items, splits, strict=True)]
            yield replace(source, items=items, ks=(1, 10), remarks=("not the published birds.zip",))

    monkeypatch.setattr(importing, "open_source", parted)
    dataset = submit_import(name="Birds", by=curator, source=str(folder))
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.images.asking().count() == 2 and dataset.images.answering().count() == 4
    assert dataset.report["query_images"] == 2 and dataset.report["test_images"] == 6
    assert dataset.report["remarks"][0] == "not the published birds.zip"
    catalogue = load_dataset(dataset.folder)
    assert catalogue.ks == (1, 10) and len(catalogue.rows("query")) == 2


def test_an_import_killed_between_files_and_rows_is_taken_up(
    curator: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = submit_import(name="Birds", by=curator, source=str(folder))

    class Killed(BaseException):
        pass

    def die(row: Dataset) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(importing, "record_rows", die)
        assert dataset.job is not None
        jobs.run_job(dataset.job.pk)
    assert dataset.folder.exists() and not dataset.images.exists()
    Job.objects.update(state="queued", heartbeat_at=None)  # as the sweep does
    monkeypatch.setattr(importing, "import_pictures", None)  # the files are there: nothing is imported again
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.is_ready and dataset.images.count() == 12


def test_an_import_that_runs_twice_changes_nothing(curator: User, folder: Path) -> None:
    dataset = submit_import(name="Birds", by=curator, source=str(folder))
    done(dataset.job)
    dataset.refresh_from_db()
    before = (list(dataset.images.values()), dataset.fingerprint, dataset.revision)
    Job.objects.update(state="queued", finished_at=None, heartbeat_at=None)
    done(dataset.job)
    dataset.refresh_from_db()
    assert (list(dataset.images.values()), dataset.fingerprint, dataset.revision) == before


def test_an_import_that_fails_midway_can_be_retried(
    curator: User, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = submit_import(name="Birds", by=curator, source=str(folder))

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(importing.Image.objects, "bulk_create", full)
        assert "the disk is full" in failed(dataset.job)
    dataset.refresh_from_db()
    assert not dataset.is_ready and not dataset.images.exists()
    assert dataset.job is not None
    jobs.retry(dataset.job)
    done(dataset.job)
    assert dataset.images.count() == 12


# --- what is refused


@pytest.mark.parametrize("second", ["Birds", "birds", "BIRDS!"])
def test_two_imports_of_one_name_are_refused(curator: User, folder: Path, second: str) -> None:
    submit_import(name="Birds", by=curator, source=str(folder))
    with pytest.raises(Rejected, match="choose another"):
        submit_import(name=second, by=curator, source=str(folder))
    assert Dataset.objects.count() == 1 and Job.objects.count() == 1


def test_an_upload_under_a_taken_name_leaves_no_file(curator: User, folder: Path) -> None:
    submit_import(name="Birds", by=curator, source=str(folder))
    with pytest.raises(Rejected):
        submit_import(name="Birds", by=curator, archive=archive(birds_zip()))
    assert uploads() == []


def test_a_name_of_characters_that_become_several_fits(curator: User, folder: Path) -> None:
    dataset = submit_import(name="℡" * 80, by=curator, source=str(folder))
    assert 0 < len(dataset.slug) <= 90


@pytest.mark.parametrize("source", ["/etc", "../../..", "imports", "", "   "])
def test_a_curator_imports_below_the_import_folders_only(curator: User, source: str) -> None:
    with pytest.raises(Rejected, match="outside the import folders|give an archive"):
        submit_import(name="Birds", by=curator, source=source)
    assert not Dataset.objects.exists()


def test_a_link_out_of_the_import_folders_is_refused(curator: User, tmp_path: Path) -> None:
    root = Path(settings.IMPORT_ROOTS[0])
    root.mkdir(parents=True)
    (root / "way-out").symlink_to(tmp_path)
    with pytest.raises(Rejected, match="outside the import folders"):
        submit_import(name="Birds", by=curator, source=str(root / "way-out"))


def test_links_within_the_folder_are_imported_and_those_that_lead_out_are_not(curator: User, tmp_path: Path) -> None:
    folder = write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", CLASSES)
    secret = write_folder(tmp_path / "secret", {"key": 2})
    (folder / "key").symlink_to(secret / "key")
    (folder / "wren" / "key.jpg").symlink_to(next((secret / "key").iterdir()))
    pictures = sorted((folder / "wren").glob("*.jpg"))
    (folder / "store").mkdir()
    pictures[0].rename(folder / "store" / "moved.jpg")
    pictures[0].symlink_to(folder / "store" / "moved.jpg")
    dataset = submit_import(name="Birds", by=curator, source=str(folder))
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.report["images"] == sum(CLASSES.values()) and dataset.report["classes"] == len(CLASSES)
    assert {Path(path).name for path, _ in dataset.report["skipped"]} == {"key", "key.jpg"}
    assert any("2 links were not followed" in remark for remark in dataset.report["remarks"])


def test_a_folder_that_became_a_link_before_its_job_ran_is_not_read(curator: User, tmp_path: Path) -> None:
    folder = write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", CLASSES)
    dataset = submit_import(name="Birds", by=curator, source=str(folder))
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    assert "is a link" in failed(dataset.job)


@pytest.mark.parametrize("name", ["nothing", "a" * 300])
def test_a_path_that_is_not_there_is_refused(curator: User, folder: Path, name: str) -> None:
    with pytest.raises(Rejected, match="cannot be read"):
        submit_import(name="Birds", by=curator, source=str(folder / name))


def test_the_system_reads_any_path(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "elsewhere", CLASSES)
    done(submit_import(name="Birds", by=None, source=str(folder)).job)


# --- uploaded archives


def test_an_uploaded_archive_is_imported_and_then_removed(curator: User) -> None:
    dataset = submit_import(name="Birds", by=curator, archive=archive(birds_zip()))
    assert len(uploads()) == 1
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.report["images"] == 8 and uploads() == []


@pytest.mark.parametrize("name", ["birds.exe", "birds", "zip"])
def test_what_is_no_archive_by_its_name_is_refused(curator: User, name: str) -> None:
    with pytest.raises(Rejected, match="not an archive"):
        submit_import(name="Birds", by=curator, archive=archive(birds_zip(), name))


def test_a_too_large_archive_is_refused(curator: User, settings: Any) -> None:
    settings.ARCHIVE_MAX_BYTES = 100
    with pytest.raises(Rejected, match="larger than"):
        submit_import(name="Birds", by=curator, archive=archive(birds_zip()))
    assert uploads() == []


def test_an_archive_that_leaves_its_folder_fails_with_a_sentence(curator: User, tmp_path: Path) -> None:
    files = {**birds_zip(), "../../../escaped.jpg": jpeg()}
    dataset = submit_import(name="Birds", by=curator, archive=archive(files))
    sentence = failed(dataset.job)
    assert "escaped.jpg" in sentence and "leaves the archive" in sentence
    assert not list(tmp_path.rglob("escaped.jpg")) and not dataset.folder.exists()


def test_a_zip_bomb_fails_with_a_sentence(curator: User) -> None:
    dataset = submit_import(name="Birds", by=curator, archive=archive({**birds_zip(), "a/bomb.jpg": bytes(80 * 2**20)}))
    assert "times its size" in failed(dataset.job)
    assert not dataset.folder.exists()


def test_an_archive_that_is_none_fails_with_a_sentence(curator: User) -> None:
    dataset = submit_import(name="Birds", by=curator, archive=SimpleUploadedFile("birds.zip", b"no zip" * 50))
    assert "cannot be read" in failed(dataset.job)


# --- without labels


def test_pictures_without_labels_are_a_gallery_in_one_class(curator: User) -> None:
    files = {"a.jpg": jpeg(1), "holiday/b.jpg": jpeg(2), "holiday/deep/c.jpg": jpeg(3), "notes.txt": b"no picture"}
    dataset = submit_import(name="Box", by=curator, archive=archive(files), labelled=False, attribution="Grandmother")
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.is_ready and not dataset.labelled and dataset.class_names == ["unlabelled"]
    assert set(dataset.images.values_list("label", "split")) == {(0, "gallery")} and dataset.images.count() == 3
    assert dataset.report["images"] == 3 and dataset.report["broken"] == []
    assert dataset.report["skipped"] == [["notes.txt", "is not a picture: .txt"]]
    assert dataset.attribution == "Grandmother"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.who) == ("import-dataset", "Box", curator)


def test_what_has_no_labels_is_neither_learned_from_nor_measured_on(curator: User) -> None:
    dataset = submit_import(name="Box", by=curator, archive=archive({"a.jpg": jpeg()}), labelled=False)
    done(dataset.job)
    dataset.refresh_from_db()
    with pytest.raises(Rejected, match="Box has no labels"):
        started(dataset)
    with pytest.raises(Rejected, match="Box has no labels"):
        submit_model(dataset=dataset, by=curator)


def test_drawn_wings_have_labels(curator: User) -> None:
    with pytest.raises(Rejected, match="always has labels"):
        submit_import(name="Box", by=curator, source="wings", labelled=False)
    assert not Dataset.objects.exists()
