"""Uploaded folders as a source: of a new data set, of one that is read again, of classes that are added."""

import pytest

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from retrieval.datasets.services import uploads
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.reimporting import submit_reimport
from retrieval.datasets.services.upload_files import files_of
from retrieval.datasets.services.upload_import import submit_folder
from retrieval.models import Dataset, Upload
from tests.retrieval.datasets.filled import classes_of_jpegs, filled, folders
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import WINGS, World, done, failed

pytestmark = pytest.mark.django_db


@pytest.fixture
def wings() -> Dataset:
    dataset = submit_import(name="Wings", by=None, source=WINGS)
    done(dataset.job)
    return Dataset.objects.get()


def added(dataset: Dataset) -> list[tuple[str, str]]:
    """Return class and split of the pictures that were added."""
    dataset.refresh_from_db()
    rows = dataset.images.filter(path__startswith="+").select_related("dataset").order_by("pk")
    return [(row.class_name, row.split) for row in rows]


def test_an_upload_becomes_a_data_set(curator: User) -> None:
    upload = filled(classes_of_jpegs("owl", "jay", "wren", each=3))
    dataset = submit_import(name="Birds", by=curator, upload=upload)
    assert not Upload.objects.exists() and folders() == [upload.folder]
    done(dataset.job)
    dataset.refresh_from_db()
    assert dataset.class_names == ["jay", "owl", "wren"] and dataset.images.count() == 9
    assert not folders()


def test_a_name_that_is_taken_leaves_the_upload(wings: Dataset) -> None:
    upload = filled(classes_of_jpegs("owl", "jay", "wren"))
    with pytest.raises(Rejected, match="choose another"):
        submit_import(name="Wings", by=None, upload=upload)
    assert Upload.objects.get() == upload and files_of(upload)


def test_two_jobs_do_not_take_one_upload() -> None:
    upload = filled(classes_of_jpegs("owl", "jay", "wren"))
    first = submit_import(name="Birds", by=None, upload=upload)
    with pytest.raises(Rejected, match="a job used it"):
        submit_import(name="Birds again", by=None, upload=upload)
    with pytest.raises(Rejected):
        submit_reimport(first, upload=upload, by=None)
    done(first.job)
    assert first.images.count() == 6


def test_an_import_that_failed_keeps_its_upload_for_a_retry() -> None:
    upload = filled({"owl/1.jpg": jpeg(1)})
    assert "needs at least 3" in failed(submit_import(name="Owls", by=None, upload=upload).job)
    assert folders() == [upload.folder]


def test_a_set_is_read_again_from_an_upload_after_a_look() -> None:
    pictures = classes_of_jpegs("owl", "jay", "wren")
    dataset = submit_import(name="Birds", by=None, upload=filled(pictures))
    done(dataset.job)
    dataset.refresh_from_db()
    upload = filled({**pictures, "owl/new.jpg": jpeg(7)})
    look = done(submit_reimport(dataset, upload=upload, dry_run=True, by=None))
    assert look.result["added"] == 1 and dataset.images.count() == 6 and Upload.objects.get() == upload
    assert done(submit_reimport(dataset, upload=upload, by=None)).result["added"] == 1
    assert dataset.images.count() == 7 and not folders() and not Upload.objects.exists()


def test_a_whole_folder_of_classes_is_added_as_one_revision(wings: Dataset, curator: User) -> None:
    known = wings.class_names[0]
    upload = filled(classes_of_jpegs(known.upper(), "Dodo", "Auk", each=3), curator)
    job = done(submit_folder(wings, upload, "test", by=curator))
    assert job.result == {"dataset": wings.pk, "added": 9, "there_already": 0, "broken": [], "skipped": []}
    assert added(wings) == [("Auk", "test")] * 3 + [("Dodo", "test")] * 3 + [(known, "train")] * 3
    assert wings.revision == 2 and wings.class_names[-2:] == ["Auk", "Dodo"]
    assert wings.history[-1]["what"] == "9 pictures added to 3 classes"
    assert not folders() and not list(wings.folder.parent.glob(".*"))
    assert all(image.file.is_file() and image.look for image in wings.images.filter(path__startswith="+"))
    assert AuditEntry.objects.get(action="add-pictures").details["files"] == 9


def test_a_single_class_and_a_single_picture_are_enough(wings: Dataset) -> None:
    done(submit_folder(wings, filled({"Dodo/1.jpg": jpeg(1)}), "train", by=None))
    assert added(wings) == [("Dodo", "train")]


def test_what_the_classes_have_is_left_out_and_a_repeat_changes_nothing(wings: Dataset) -> None:
    pictures = classes_of_jpegs("Dodo", "Auk")
    done(submit_folder(wings, filled(pictures), "train", by=None))
    wings.refresh_from_db()
    again = done(submit_folder(wings, filled({**pictures, "Auk/9.jpg": jpeg(9), "Auk/bad.jpg": b"no"}), by=None))
    assert (again.result["added"], again.result["there_already"]) == (1, 4)
    assert [path for path, _ in again.result["broken"]] == ["Auk/bad.jpg"]
    done(submit_folder(wings, filled(pictures), by=None))
    wings.refresh_from_db()
    assert wings.revision == 3 and len(added(wings)) == 5


def test_pictures_of_one_name_in_many_classes_keep_their_names(wings: Dataset) -> None:
    job = done(submit_folder(wings, filled(classes_of_jpegs("Dodo", "Auk")), "train", by=None))
    paths = set(wings.images.filter(path__startswith="+").values_list("path", flat=True))
    assert paths == {f"+{job.pk}/{name}/{number}.jpg" for name in ("Dodo", "Auk") for number in (0, 1)}


def test_spaces_in_a_folders_name_make_no_class_of_its_own(wings: Dataset) -> None:
    pictures = {"Dodo/1.jpg": jpeg(1), " Dodo/2.jpg": jpeg(2), "Great  auk/1.jpg": jpeg(3), "Great auk/2.jpg": jpeg(4)}
    done(submit_folder(wings, filled(pictures), "train", by=None))
    assert sorted(added(wings)) == [("Dodo", "train")] * 2 + [("Great auk", "train")] * 2
    assert len(wings.class_names) == 10


def test_a_folder_joins_the_class_that_has_its_name_but_for_spaces(wings: Dataset) -> None:
    done(submit_folder(wings, filled({"Tawny owl/1.jpg": jpeg(1)}), "train", by=None))
    wings.refresh_from_db()
    done(submit_folder(wings, filled({" tawny  OWL/2.jpg": jpeg(2)}), by=None))
    assert added(wings) == [("Tawny owl", "train")] * 2 and len(wings.class_names) == 9


@pytest.mark.parametrize("name", ["tawny  owl", "Tawny owl", "Tawny   owl"])
def test_an_imported_class_with_superfluous_spaces_is_found(wings: Dataset, name: str) -> None:
    wings.classes.filter(label=0).update(name="Tawny  owl")
    done(submit_folder(wings, filled({f"{name}/1.jpg": jpeg(1)}), by=None))
    assert added(wings) == [("Tawny  owl", "train")] and len(wings.class_names) == 8


def test_every_model_gets_one_new_index_of_it(world: World) -> None:
    done(submit_folder(world.dataset, filled(classes_of_jpegs("Dodo", "Auk")), "test", by=None))
    assert Job.objects.filter(kind="index", state="queued").count() == len(world.models)


def test_pictures_join_the_one_class_of_a_set_without_labels() -> None:
    pictures = classes_of_jpegs("owl", "jay")
    dataset = submit_import(name="Photos", by=None, labelled=False, upload=filled(pictures))
    done(dataset.job)
    dataset.refresh_from_db()
    job = done(submit_folder(dataset, filled({"new/1.jpg": jpeg(1), "2.jpg": jpeg(2)}), by=None))
    assert job.result["added"] == 2
    assert len(dataset.class_names) == 1 and dataset.images.count() == 6


@pytest.mark.parametrize(
    ("files", "split", "why"),
    [
        ({"Dodo/1.jpg": jpeg(1)}, "", "'Dodo' needs a split"),
        ({"Dodo/1.jpg": jpeg(1)}, "both", "needs a split"),
        ({"1.jpg": jpeg(1)}, "train", "no pictures in class folders"),
        ({"D" * 201 + "/1.jpg": jpeg(1)}, "train", "1 to 200"),
        ({}, "train", "the upload is empty"),
    ],
)
def test_what_cannot_be_added_is_refused_before_a_job_is_queued(
    wings: Dataset, files: dict[str, bytes], split: str, why: str
) -> None:
    upload = filled(files) if files else uploads.begin_upload(None)
    with pytest.raises(Rejected, match=why):
        submit_folder(wings, upload, split, by=None)
    assert Upload.objects.get() == upload and not Job.objects.filter(kind="add-pictures").exists()


def test_another_change_of_the_set_leaves_the_upload(wings: Dataset) -> None:
    submit_folder(wings, filled({"Dodo/1.jpg": jpeg(1)}), "train", by=None)
    upload = filled({"Auk/1.jpg": jpeg(1)})
    with pytest.raises(Rejected, match="is already changing Wings"):
        submit_folder(wings, upload, "train", by=None)
    assert Upload.objects.get() == upload
