import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from retrieval.datasets.services.importing import submit_import
from retrieval.models import Dataset, Index, Model
from tests.retrieval.pictures import jpeg, zipped
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db

PAGES = ("dataset-add", "dataset-reimport", "dataset-index", "dataset-delete")


@pytest.fixture
def box(db: None) -> Dataset:
    """Two pictures without labels, which nothing needs."""
    archive = SimpleUploadedFile("box.zip", zipped({"1.jpg": jpeg(1), "2.jpg": jpeg(2)}))
    done(submit_import(name="Box", by=None, archive=archive, labelled=False).job)
    return Dataset.objects.get(name="Box")


@pytest.mark.parametrize("name", PAGES)
def test_changing_a_set_is_for_curators(
    client: Client, member_client: Client, curator_client: Client, box: Dataset, name: str
) -> None:
    address = reverse(name, args=["box"])
    assert client.get(address).status_code == 302
    assert member_client.get(address).status_code == member_client.post(address).status_code == 403
    assert curator_client.get(address).status_code == 200
    assert curator_client.get(reverse(name, args=["nothing"])).status_code == 404
    assert Job.objects.filter(state="queued").count() == 0


def test_pictures_are_added_by_the_form(curator_client: Client, world: World) -> None:
    files = [SimpleUploadedFile("a.jpg", jpeg(1)), SimpleUploadedFile("a.jpg", jpeg(2))]
    values = {"files": files, "name": "Dodo", "split": "test"}
    answer = curator_client.post(reverse("dataset-add", args=["wings"]), values)
    job = Job.objects.get(kind="add-pictures")
    assert answer["Location"] == reverse("job", args=[job.pk])
    assert done(job).result["added"] == 2
    assert world.dataset.images.filter(label=8, split="test").count() == 2


def test_wrong_additions_are_explained(curator_client: Client, world: World) -> None:
    address = reverse("dataset-add", args=["wings"])
    picture = SimpleUploadedFile("a.jpg", jpeg(1))
    for values, sentence in (
        ({"name": "Dodo", "files": picture}, "no class &#x27;Dodo&#x27;"),
        ({"name": "Dodo"}, "required"),
        ({"files": SimpleUploadedFile("a.jpg", b""), "name": "Dodo"}, "empty"),
    ):
        answer = curator_client.post(address, values)
        assert answer.status_code == 400 and sentence in answer.content.decode()
    assert not Job.objects.filter(kind="add-pictures").exists()


def test_a_set_is_read_again_by_the_form(curator_client: Client, world: World) -> None:
    address = reverse("dataset-reimport", args=["wings"])
    assert "wings:species=8" in curator_client.get(address).content.decode()
    answer = curator_client.post(address, {"dry_run": "on"})
    job = Job.objects.get(kind="reimport")
    assert answer["Location"] == reverse("job", args=[job.pk]) and job.payload["dry_run"]
    assert done(job).result["unchanged"] == 48
    answer = curator_client.post(address, {"source": "/etc"})
    assert answer.status_code == 400 and "outside the import folders" in answer.content.decode()
    answer = curator_client.post(address, {"source": "wings", "archive": SimpleUploadedFile("a.zip", b"x")})
    assert answer.status_code == 400 and "archive or a server path" in answer.content.decode()


def test_a_set_from_an_upload_asks_for_another(curator_client: Client, box: Dataset) -> None:
    address = reverse("dataset-reimport", args=["box"])
    assert "was not kept" in curator_client.get(address).content.decode()
    assert curator_client.post(address, {}).status_code == 400


def test_a_set_without_labels_is_searched_by_another_sets_model(
    curator_client: Client, world: World, box: Dataset
) -> None:
    model = world.models[0]
    address = reverse("dataset-index", args=["box"])
    answer = curator_client.post(address, {"model": model.pk})
    job = Job.objects.get(kind="index", state="queued")
    assert answer["Location"] == reverse("job", args=[job.pk])
    done(job)
    index = Index.objects.get(dataset=box, active=True)
    assert index.model == model and index.count == 2
    text = curator_client.get(address).content.decode()
    assert model.name in text and f"now {box.revision}" not in text
    Model.objects.filter(pk=model.pk).update(has_network=False)
    answer = curator_client.post(address, {"model": model.pk})
    assert answer.status_code == 400


def test_a_set_that_is_needed_says_by_what(curator_client: Client, world: World) -> None:
    address = reverse("dataset-delete", args=["wings"])
    text = curator_client.get(address).content.decode()
    assert "Experiment Small" in text and "Model SoftTriple" in text and "data-submit" not in text
    answer = curator_client.post(address)
    assert answer.status_code == 409 and "Wings is used by" in answer.content.decode()


def test_a_set_is_deleted_once_its_page_said_what_goes(curator_client: Client, box: Dataset) -> None:
    address = reverse("dataset-delete", args=["box"])
    assert "2 pictures with their files" in curator_client.get(address).content.decode()
    answer = curator_client.post(address)
    job = Job.objects.get(kind="delete-dataset")
    assert answer["Location"] == reverse("job", args=[job.pk])
    assert reverse("job", args=[job.pk]) in curator_client.get(address).content.decode()
    done(job)
    assert curator_client.get(address).status_code == 404
