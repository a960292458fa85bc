from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from retrieval.datasets.services import adding, curating, reimporting
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.importing import submit_import
from retrieval.models import Dataset, Image
from tests.retrieval.pictures import jpeg, write_folder, zipped
from tests.retrieval.world import done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def folder() -> Path:
    return write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", {"finch": 3, "robin": 3, "tit": 3, "wren": 3})


@pytest.fixture
def birds(folder: Path) -> Dataset:
    dataset = submit_import(name="Birds", by=None, source=str(folder))
    done(dataset.job)
    return Dataset.objects.get()


def again(dataset: Dataset, **options: Any) -> dict[str, Any]:
    result = done(reimporting.submit_reimport(dataset, by=None, **options)).result
    return {key: result[key] for key in ("unchanged", "moved", "added", "hidden", "classes")}


def by_path() -> dict[str, Image]:
    return {image.path: image for image in Image.objects.all()}


NOTHING = {"unchanged": 12, "moved": 0, "added": 0, "hidden": 0, "classes": []}


def test_the_same_source_changes_nothing(birds: Dataset) -> None:
    before = list(birds.images.values())
    assert again(birds) == NOTHING
    assert list(birds.images.values()) == before and Dataset.objects.get().revision == 1
    assert not list(birds.folder.parent.glob(".*"))


def test_new_ones_get_new_keys_changed_ones_too_and_gone_ones_are_hidden(birds: Dataset, folder: Path) -> None:
    before = by_path()
    (folder / "finch" / "9.jpg").write_bytes(jpeg(77))
    (folder / "robin" / "0.jpg").write_bytes(jpeg(78))
    (folder / "tit" / "2.jpg").unlink()
    write_folder(folder, {"dodo": 2})
    changed = {"unchanged": 10, "moved": 0, "added": 4, "hidden": 2, "classes": ["dodo"]}
    assert again(birds) == changed
    birds.refresh_from_db()
    after = by_path()
    last = max(image.pk for image in before.values())
    assert {path: image.pk for path, image in before.items()}.items() <= {p: i.pk for p, i in after.items()}.items()
    new = [image for image in after.values() if image.pk > last]
    assert len(new) == 4 and all(image.file.is_file() for image in new)
    assert {path for path, image in after.items() if image.hidden} == {"robin/0.jpg", "tit/2.jpg"}
    assert after["robin/0.jpg"].file.read_bytes() != jpeg(78), "the old picture keeps its file"
    assert after["finch/9.jpg"].label == 0 and birds.class_names == ["finch", "robin", "tit", "wren", "dodo"]
    assert {picture.id for picture in fresh_catalogue(birds.pk)[1].pictures} == {
        image.pk for image in after.values() if not image.hidden
    }
    assert birds.revision == 2 and birds.report["reimport"] == changed and birds.report["images"] == 14
    assert again(birds) == {"unchanged": 13, "moved": 0, "added": 0, "hidden": 0, "classes": []}
    assert Dataset.objects.get().revision == 2


def test_what_curators_said_stays(birds: Dataset, folder: Path) -> None:
    images = by_path()
    curating.rename_class(birds, 3, "Great wren", by=None)
    curating.merge_classes(birds, 2, "Great wren", by=None)
    curating.relabel(birds, [images["finch/0.jpg"].pk], "robin", by=None)
    curating.set_hidden(birds, [images["finch/1.jpg"].pk], True, by=None)
    done(adding.submit_pictures(birds, [SimpleUploadedFile("x.jpg", jpeg(99))], "robin", by=None))
    before = list(birds.images.values())
    assert again(birds) == NOTHING and list(birds.images.values()) == before
    (folder / "wren" / "9.jpg").write_bytes(jpeg(77))
    (folder / "tit" / "9.jpg").write_bytes(jpeg(78))
    assert again(birds)["classes"] == []
    after = by_path()
    assert after["wren/9.jpg"].label == after["tit/9.jpg"].label == 3
    assert {after["wren/9.jpg"].split} == {"test"}


def test_a_file_moved_to_another_class_keeps_its_key(birds: Dataset, folder: Path) -> None:
    image = by_path()["finch/0.jpg"]
    (folder / "finch" / "0.jpg").rename(folder / "wren" / "7.jpg")
    (folder / "robin" / "0.jpg").rename(folder / "robin" / "8.jpg")
    assert again(birds) == {**NOTHING, "unchanged": 10, "moved": 1}
    image.refresh_from_db()
    assert (image.label, image.split, image.hidden) == (3, "test", False)
    assert again(birds)["moved"] == 0


def test_a_dry_run_tells_and_changes_nothing(birds: Dataset, folder: Path) -> None:
    (folder / "finch" / "9.jpg").write_bytes(jpeg(77))
    (folder / "tit" / "2.jpg").unlink()
    before = list(birds.images.values())
    assert again(birds, dry_run=True) == {**NOTHING, "unchanged": 11, "added": 1, "hidden": 1}
    job = Job.objects.get(kind="reimport")
    assert job.message == "dry run, nothing changed: 11 unchanged, 0 moved, 1 new, 1 hidden"
    assert list(birds.images.values()) == before and Dataset.objects.get().revision == 1
    assert not (birds.folder / "images" / "finch" / "9.jpg").exists()
    assert not AuditEntry.objects.filter(action="reimport-dataset").exists()


def test_a_dry_run_queued_by_an_older_version_changes_nothing(birds: Dataset, folder: Path) -> None:
    (folder / "finch" / "9.jpg").write_bytes(jpeg(77))
    job = reimporting.submit_reimport(birds, dry_run=True, by=None)
    job.payload["dry"] = job.payload.pop("dry_run")
    job.save()
    assert done(job).result["added"] == 1
    assert Dataset.objects.get().revision == 1 and birds.images.count() == 12


def test_an_archive_is_read_and_forgotten(birds: Dataset, folder: Path, curator: User) -> None:
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.jpg")}
    archive = SimpleUploadedFile("birds.zip", zipped({**files, "finch/9.jpg": jpeg(77)}))
    done(reimporting.submit_reimport(birds, archive, by=curator))
    birds.refresh_from_db()
    assert birds.images.count() == 13 and birds.source == str(folder)
    assert not list((settings.MEDIA_ROOT / "uploads").glob("*"))
    assert AuditEntry.objects.get(action="reimport-dataset").who == curator


def test_a_source_that_became_a_link_is_refused(birds: Dataset, folder: Path, curator: User, tmp_path: Path) -> None:
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(Rejected, match="is a link"):
        reimporting.submit_reimport(birds, by=curator)


def test_another_source_altogether_is_refused(birds: Dataset) -> None:
    other = write_folder(Path(settings.IMPORT_ROOTS[0]) / "cars", {"d": 1, "e": 1, "f": 1})
    for number, file in enumerate(sorted(other.rglob("*.jpg"))):
        file.write_bytes(jpeg(500 + number))
    job = reimporting.submit_reimport(birds, source=str(other), by=None)
    assert failed(job) == "no picture there is in Birds; import it as a new data set"
    assert birds.images.filter(hidden=True).count() == 0 and Dataset.objects.get().revision == 1


def test_a_job_that_dies_midway_is_taken_up(birds: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "finch" / "9.jpg").write_bytes(jpeg(77))
    (folder / "tit" / "2.jpg").unlink()
    job = reimporting.submit_reimport(birds, by=None)

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(reimporting, "publish_revision", full)
        assert "the disk is full" in failed(job)
    assert birds.images.count() == 12 and not birds.images.filter(hidden=True).exists()
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)
    assert done(job).result["added"] == 1
    assert by_path()["finch/9.jpg"].file.read_bytes() == jpeg(77)


def test_places_that_cannot_be_read_are_refused(birds: Dataset, folder: Path, curator: User) -> None:
    with pytest.raises(Rejected, match="outside the import folders"):
        reimporting.submit_reimport(birds, source="/etc", by=curator)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(Rejected, match="cannot be read"):
        reimporting.submit_reimport(birds, by=curator)
    Dataset.objects.update(source="upload:x.zip")
    birds.refresh_from_db()
    with pytest.raises(Rejected, match="was not kept"):
        reimporting.submit_reimport(birds, by=curator)
