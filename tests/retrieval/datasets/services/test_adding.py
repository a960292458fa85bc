from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from retrieval.datasets.services import adding
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.importing import submit_import
from retrieval.models import Dataset, Index
from tests.retrieval.pictures import jpeg, zipped
from tests.retrieval.world import WINGS, World, done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture
def wings() -> Dataset:
    """A data set without a model."""
    dataset = submit_import(name="Wings", by=None, source=WINGS)
    done(dataset.job)
    return Dataset.objects.get()


def pictures(*seeds: int) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile("photo.jpg", jpeg(seed)) for seed in seeds]


def uploads() -> list[Any]:
    return list((settings.MEDIA_ROOT / "uploads").glob("*"))


def labels(dataset: Dataset, seeds: Sequence[int]) -> list[tuple[int, str]]:
    added = dataset.images.filter(path__startswith="+").order_by("pk")
    assert len(added) == len(seeds)
    return [(image.label, image.split) for image in added]


def test_pictures_of_one_name_join_a_class(wings: Dataset, curator: User) -> None:
    last = wings.images.order_by("-pk").values_list("pk", flat=True)[0]
    job = done(adding.submit_pictures(wings, pictures(1, 2), wings.class_names[7], by=curator))
    assert job.result == {"dataset": wings.pk, "added": 2, "there_already": 0, "broken": [], "skipped": []}
    wings.refresh_from_db()
    assert wings.revision == 2 and labels(wings, (1, 2)) == [(7, "test")] * 2
    added = wings.images.filter(path__startswith="+")
    assert all(image.pk > last and image.file.is_file() and image.look for image in added)
    assert {picture.id for picture in fresh_catalogue(wings.pk)[1].pictures} == set(
        wings.images.values_list("pk", flat=True)
    )
    assert wings.report["images"] == 50 and uploads() == []
    assert not list(wings.folder.parent.glob(".*"))
    assert AuditEntry.objects.get(action="add-pictures").details == {"files": 2, "into": wings.class_names[7]}


def test_an_archive_makes_a_new_class_and_its_faults_are_told(wings: Dataset) -> None:
    files = {"x/1.jpg": jpeg(1), "1.jpg": jpeg(2), "2.jpg": jpeg(2), "bad.jpg": b"no picture"}
    archive = SimpleUploadedFile("birds.zip", zipped(files))
    job = done(adding.submit_pictures(wings, [archive], "Dodo", new=True, split="train", by=None))
    wings.refresh_from_db()
    assert wings.class_names[-1] == "Dodo" and labels(wings, (1, 2)) == [(8, "train")] * 2
    assert [name for name, _ in job.result["broken"]] == [
        "bad.jpg"
    ] and job.message == "2 added, 0 already there, 1 not readable"


@pytest.mark.parametrize(("half", "split"), [("held out", "test"), ("train", "train")])
def test_a_job_queued_by_an_older_version_is_done(wings: Dataset, half: str, split: str) -> None:
    job = adding.submit_pictures(wings, pictures(1), "Dodo", new=True, split="train", by=None)
    del job.payload["split"]
    job.payload["half"] = half
    job.save()
    assert done(job).result["added"] == 1 and labels(wings, (1,)) == [(8, split)]


def test_what_the_class_has_is_left_out_and_a_repeat_changes_nothing(wings: Dataset) -> None:
    job = done(adding.submit_pictures(wings, pictures(1), wings.class_names[0], by=None))
    again = done(adding.submit_pictures(wings, pictures(1, 2), wings.class_names[0], by=None))
    assert again.result["added"] == 1 and again.result["there_already"] == 1
    done(adding.submit_pictures(wings, pictures(1, 2), wings.class_names[0], by=None))
    assert Dataset.objects.get().revision == 3 and job.pk != again.pk


def test_a_job_killed_between_files_and_rows_is_taken_up(wings: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    job = adding.submit_pictures(wings, pictures(1, 2), wings.class_names[0], by=None)

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(adding, "store_rows", full)
        assert "the disk is full" in failed(job)
    assert Dataset.objects.get().revision == 1 and wings.images.count() == 48 and len(uploads()) == 1
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)
    done(job)
    assert labels(wings, (1, 2)) == [(0, "train")] * 2 and uploads() == []


def test_only_new_pictures_are_embedded_for_the_next_index(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    done(adding.submit_pictures(world.dataset, pictures(1, 2), world.dataset.class_names[0], by=None))
    [one, other] = Job.objects.filter(kind="index", state="queued")
    done(one)
    index = Index.objects.get(active=True, model=one.payload["model"])
    assert index.count == 50 and index.revision == 2 and other.payload["model"] != one.payload["model"]


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("Nobody", {}, "no class 'Nobody'"),
        ("Dodo", {"new": True}, "needs a split"),
        ("", {"new": True, "split": "train"}, "needs a name"),
    ],
)
def test_a_wrong_class_is_refused_before_anything_is_kept(
    wings: Dataset, name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Rejected, match=sentence):
        adding.submit_pictures(wings, pictures(1), name, by=None, **options)
    assert uploads() == [] and not Job.objects.filter(kind="add-pictures").exists()


def test_wrong_files_are_refused(wings: Dataset, settings: Any) -> None:
    name, archive = wings.class_names[0], SimpleUploadedFile("birds.zip", zipped({"1.jpg": jpeg(1)}))
    with pytest.raises(Rejected, match="choose pictures"):
        adding.submit_pictures(wings, [], name, by=None)
    with pytest.raises(Rejected, match="either pictures or one archive"):
        adding.submit_pictures(wings, [*pictures(1), archive], name, by=None)
    settings.ARCHIVE_MAX_BYTES = 100
    with pytest.raises(Rejected, match="larger than"):
        adding.submit_pictures(wings, pictures(1), name, by=None)
    assert uploads() == []


def test_one_job_changes_a_set_at_a_time(wings: Dataset) -> None:
    first = adding.submit_pictures(wings, pictures(1), wings.class_names[0], by=None)
    with pytest.raises(Rejected, match=rf"job {first.pk} \(add-pictures\) is already changing Wings"):
        adding.submit_pictures(wings, pictures(2), wings.class_names[0], by=None)
    assert len(uploads()) == 1, "only the first one's"


def test_pictures_without_one_that_can_be_read_fail_with_a_sentence(wings: Dataset) -> None:
    broken = [SimpleUploadedFile("a.jpg", b"no picture")]
    assert "holds no picture" in failed(adding.submit_pictures(wings, broken, wings.class_names[0], by=None))
    assert Dataset.objects.get().revision == 1
