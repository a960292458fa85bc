"""A preview is a job: it reads a source that an import could, keeps an archive as an upload, and stores no data set."""

import io
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image
from pytest_django import Settings

from accounts.models import User
from config.errors import Conflict, QuotaReached, Rejected
from jobs import services as jobs
from jobs.models import Job
from mlcore.datasets import load_dataset
from retrieval.datasets.services import previewing, uploads
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.previewing import submit_preview
from retrieval.datasets.services.reimporting import submit_reimport
from retrieval.datasets.services.upload_import import submit_folder
from retrieval.models import Dataset, Upload
from tests.retrieval.datasets.filled import classes_of_jpegs, filled, folders, sent
from tests.retrieval.pictures import jpeg, write_folder, zipped
from tests.retrieval.world import World, done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.services]

CLASSES = {"wren": 3, "robin": 3, "finch": 3, "tit": 3}
RENAMED = {"class_names": {"wren": "Jenny wren"}}


@pytest.fixture
def folder() -> Path:
    """Four classes of three pictures, where curators may import."""
    return write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", CLASSES)


def archive(name: str = "birds.zip", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, zipped(classes_of_jpegs("a", "b", "c", "d")) if content is None else content)


# --- what is previewed


def test_a_server_path_is_previewed_and_nothing_is_stored(curator: User, folder: Path) -> None:
    job = done(submit_preview(source=str(folder), by=curator))
    assert (job.kind, job.owner, job.key) == ("preview", curator, f"preview:{curator.pk}")
    assert job.result is not None
    assert (job.result["reader"], job.result["images"], job.result["classes"]) == ("folder", 12, 4)
    assert (job.result["preview"], job.result["upload"], job.result["refusal"]) == (job.pk, None, "")
    assert not Dataset.objects.exists() and not Upload.objects.exists() and folders() == []
    assert jobs.links_of(job) == [("The preview", reverse("dataset-preview", args=[job.pk]))]


def test_an_archive_is_kept_as_an_upload_and_imported_from_there(curator: User) -> None:
    job = done(submit_preview(archive=archive(), by=curator))
    upload = Upload.objects.get()
    assert (upload.owner, upload.files) == (curator, 1) and upload.bytes > 1000
    assert job.result is not None and job.result["upload"] == str(upload.pk) and job.result["images"] == 8
    done(submit_preview(**previewing.origin_of(job), layout={"class_names": {"a": "Ash"}}, by=curator))
    dataset = submit_import(name="Birds", **previewing.origin_of(job), by=curator)
    assert not Upload.objects.exists()
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.class_names == ["a", "b", "c", "d"] and folders() == []


def test_an_upload_of_pictures_can_be_previewed_and_stays(curator: User) -> None:
    upload = filled(classes_of_jpegs("a", "b", "c"), curator)
    job = done(submit_preview(upload=upload, by=curator))
    assert job.result is not None and job.result["images"] == 6 and job.result["upload"] == str(upload.pk)
    assert Upload.objects.get() == upload


def test_drawn_butterflies_and_pictures_without_labels_are_previewed(curator: User, folder: Path) -> None:
    job = done(submit_preview(source="wings:species=4,per_class=2,size=32", by=curator))
    assert job.result is not None and (job.result["reader"], job.result["images"]) == ("butterflies", 8)
    job = done(submit_preview(source=str(folder), labelled=False, by=curator))
    assert job.result is not None and (job.result["labelled"], job.result["classes"]) == (False, 1)


def test_a_damaged_archive_is_a_refusal_with_the_readers(curator: User) -> None:
    job = done(submit_preview(archive=archive(content=b"PK\x03\x04 and no more"), by=curator))
    assert job.result is not None and "archive.zip" in job.result["refusal"]
    assert {row["name"] for row in job.result["readers"]} > {"folder", "cub200"}


def test_a_choice_that_no_reader_takes_is_a_refusal(curator: User, folder: Path) -> None:
    job = done(submit_preview(source=str(folder), layout={"reader": "pets"}, by=curator))
    assert job.result is not None and "Oxford-IIIT Pets" in job.result["refusal"]


# --- what is not


@pytest.mark.parametrize("source", ["/etc", "", "{roots}/nothing-there"])
def test_a_source_that_no_import_may_read_is_rejected(curator: User, source: str) -> None:
    with pytest.raises(Rejected):
        submit_preview(source=source.format(roots=settings.IMPORT_ROOTS[0]), by=curator)
    assert not Job.objects.exists()


def test_what_is_no_archive_is_rejected_and_not_kept(curator: User) -> None:
    with pytest.raises(Rejected, match=r"letter\.txt"):
        submit_preview(archive=archive("letter.txt"), by=curator)
    assert not Upload.objects.exists() and folders() == []


def test_choices_without_labels_are_rejected(curator: User, folder: Path) -> None:
    for submit in (
        lambda: submit_preview(source=str(folder), labelled=False, layout={"level": 1}, by=curator),
        lambda: submit_import(name="B", source=str(folder), labelled=False, layout={"level": 1}, by=curator),
    ):
        with pytest.raises(Rejected, match="level") as rejected:
            submit()
        assert rejected.value.field == "layout"
    assert not Job.objects.exists()


def test_a_person_has_one_preview_at_a_time(curator: User, admin: User, folder: Path) -> None:
    first = submit_preview(source=str(folder), by=curator)
    assert submit_preview(source=str(folder), by=curator) == first
    for other in ({"source": str(folder), "layout": RENAMED}, {"archive": archive()}):
        with pytest.raises(Conflict, match=str(first.pk)):
            submit_preview(**other, by=curator)  # type: ignore[arg-type]
    assert folders() == [] and not Upload.objects.exists()
    assert submit_preview(source=str(folder), by=admin) != first
    done(first)
    submit_preview(source=str(folder), layout=RENAMED, by=curator)


def test_kept_archives_count_against_the_quota(curator: User, settings: Settings) -> None:
    settings.UPLOADS_MAX_BYTES = 100
    with pytest.raises(QuotaReached):
        submit_preview(archive=archive(), by=curator)
    settings.UPLOADS_MAX_BYTES, settings.UPLOADS_MAX = 10**9, 0
    with pytest.raises(QuotaReached):
        submit_preview(archive=archive(), by=curator)
    assert not Upload.objects.exists() and folders() == []


# --- uploads that go


def test_an_upload_that_is_gone_fails_the_preview_and_is_told_by_the_import(curator: User) -> None:
    job = submit_preview(archive=archive(), by=curator)
    uploads.delete_upload(Upload.objects.get())
    assert "gone" in failed(job)
    with pytest.raises(Rejected, match="gone"):
        previewing.origin_of(job)


def test_a_kept_archive_can_be_deleted(curator: User) -> None:
    job = done(submit_preview(archive=archive(), by=curator))
    previewing.delete_kept(job)
    assert not Upload.objects.exists() and folders() == []
    previewing.delete_kept(job)


def test_a_kept_archive_takes_no_pictures_and_joins_no_data_set(curator: User, world: World) -> None:
    done(submit_preview(archive=archive(), by=curator))
    upload = Upload.objects.get()
    with pytest.raises(Rejected, match="archive"):
        sent(upload, {"a/1.jpg": jpeg(1)})
    with pytest.raises(Rejected, match="archive"):
        submit_folder(world.dataset, upload, by=curator)
    assert Upload.objects.get().files == 1


# --- choices are stored and used again


def test_an_import_and_its_reimport_read_as_was_chosen(curator: User, folder: Path) -> None:
    dataset = submit_import(name="Birds", source=str(folder), layout=RENAMED, by=curator)
    assert dataset.layout == {"class_names": {"wren": "Jenny wren"}}
    done(dataset.job)
    assert "Jenny wren" in load_dataset(dataset.folder).classes
    (folder / "wren" / "0.jpg").write_bytes(jpeg(77))
    dataset.refresh_from_db()
    job = done(submit_reimport(dataset, by=curator))
    dataset.refresh_from_db()
    assert job.result is not None and (job.result["added"], job.result["classes"]) == (1, [])
    assert "wren" not in dataset.class_names and dataset.layout == RENAMED


def test_a_renamed_class_that_is_not_there_any_more_stops_no_reimport(curator: User, folder: Path) -> None:
    dataset = submit_import(name="Birds", source=str(folder), layout=RENAMED, by=curator)
    done(dataset.job)
    shutil.rmtree(folder / "wren")
    dataset.refresh_from_db()
    job = done(submit_reimport(dataset, dry_run=True, by=curator))
    assert job.result is not None and (job.result["unchanged"], job.result["hidden"]) == (9, 3)


def test_a_reimport_can_be_read_otherwise_and_a_dry_run_stores_nothing(curator: User, folder: Path) -> None:
    dataset = submit_import(name="Birds", source=str(folder), by=curator)
    done(dataset.job)
    dataset.refresh_from_db()
    (folder / "wren" / "9.jpg").write_bytes(jpeg(99))
    done(submit_reimport(dataset, layout={"reader": "folder"}, dry_run=True, by=curator))
    dataset.refresh_from_db()
    assert dataset.layout == {}
    done(submit_reimport(dataset, layout={"reader": "folder"}, by=curator))
    dataset.refresh_from_db()
    assert dataset.layout == {"reader": "folder"}
    assert "pets" in failed(submit_reimport(dataset, layout={"reader": "pet"}, by=curator))


def test_a_dry_run_leaves_a_kept_archive_for_another_job(curator: User, folder: Path) -> None:
    dataset = submit_import(name="Birds", source=str(folder), by=curator)
    done(dataset.job)
    dataset.refresh_from_db()
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.jpg")}
    done(submit_preview(archive=archive(content=zipped(files)), by=curator))
    upload = Upload.objects.get()
    done(submit_reimport(dataset, upload=upload, dry_run=True, by=curator))
    assert [place.name for place in upload.folder.iterdir()] == ["archive.zip"]


def test_thumbnails_in_the_result_are_small(curator: User) -> None:
    noise = io.BytesIO()
    Image.effect_noise((1200, 900), 90).convert("RGB").save(noise, "JPEG")
    files = {f"{name}/{number}.jpg": noise.getvalue() for name in "abcdefgh" for number in range(5)}
    job = done(submit_preview(archive=archive(content=zipped(files)), by=curator))
    assert job.result is not None and len(str(job.result)) < 200_000
