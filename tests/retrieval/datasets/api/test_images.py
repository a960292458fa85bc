import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Pillow
from rest_framework.test import APIClient

from jobs.models import Job
from retrieval.models import Dataset, Image
from tests.retrieval.datasets.filled import classes_of_jpegs, filled
from tests.retrieval.pictures import jpeg, zipped
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/images/"


def of(dataset: Dataset, *more: str) -> str:
    return f"/api/v1/datasets/{dataset.pk}/images/" + "".join(f"{part}/" for part in more)


def keys(client: APIClient, where: str, **query: Any) -> list[int]:
    answer = client.get(where, query)
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def job_of(answer: Any) -> Job:
    assert answer.status_code == 202, answer.json()
    return Job.objects.get(pk=answer.json()["id"])


# --- reading


@pytest.fixture
def hidden(world: World) -> Image:
    image = world.test_images[0]
    Image.objects.filter(pk=image.pk).update(hidden=True)
    return image


@pytest.mark.parametrize("nested", [True, False])
def test_pictures_are_listed_by_key_in_pages(world: World, nested: bool) -> None:
    where = of(world.dataset) if nested else ROOT
    first = APIClient().get(where, {"limit": 47}).json()
    second = APIClient().get(first["next"]).json()
    rows = first["results"] + second["results"]
    assert [row["id"] for row in rows] == list(world.dataset.images.order_by("pk").values_list("pk", flat=True))
    assert second["next"] is None and rows[0]["class_name"] == world.dataset.class_names[rows[0]["label"]]


def test_a_page_costs_as_many_questions_however_long(
    world: World, member_api: APIClient, django_assert_max_num_queries: Any
) -> None:
    member_api.get(ROOT, {"limit": 2})
    with django_assert_max_num_queries(12):
        assert len(keys(member_api, ROOT, limit=48)) == 48


def test_hidden_pictures_are_for_curators(
    world: World, hidden: Image, member_api: APIClient, curator_api: APIClient
) -> None:
    for client, status in ((APIClient(), 404), (member_api, 404), (curator_api, 200)):
        assert client.get(f"{ROOT}{hidden.pk}/").status_code == status
        assert client.get(f"{ROOT}{hidden.pk}/file/").status_code == status
        assert (hidden.pk in keys(client, of(world.dataset))) == (status == 200)
    assert keys(member_api, ROOT, hidden="true") == [] and keys(curator_api, ROOT, hidden="true") == [hidden.pk]
    assert len(keys(curator_api, ROOT, hidden="false")) == 47


def test_what_is_not_public_is_hidden_from_visitors(world: World) -> None:
    Dataset.objects.update(public=False)
    image = world.test_images[0]
    assert keys(APIClient(), ROOT) == []
    for where in (f"{ROOT}{image.pk}/", f"{ROOT}{image.pk}/file/", of(world.dataset)):
        assert APIClient().get(where).status_code == 404
    answer = APIClient().get(ROOT, {"dataset": world.dataset.pk})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "dataset"


@pytest.mark.parametrize("nested", [True, False])
def test_pictures_are_narrowed(world: World, member_api: APIClient, nested: bool) -> None:
    moths = Dataset.objects.create(name="Moths", slug="moths", source="x", revision=1)
    moths.classes.create(label=0, name="Dodo")
    twin, image = world.test_images[0], world.test_images[1]
    other = Image.objects.create(
        dataset=moths, path="1.jpg", label=0, split="train", sha256=twin.sha256, width=9, height=9
    )
    where = of(world.dataset) if nested else ROOT
    beyond = [] if nested else [other.pk]
    asks: list[tuple[dict[str, Any], Any]] = [
        ({"dataset": world.dataset.pk}, world.dataset.images.all()),
        ({"split": "test"}, world.test_images),
        ({"split": ["test", "train"], "dataset": world.dataset.pk}, world.dataset.images.all()),
        ({"label": image.label}, world.dataset.images.filter(label=image.label)),
        ({"class_name": f" {image.class_name.upper()} "}, world.dataset.images.filter(label=image.label)),
        ({"sha256": [image.sha256, "0" * 64]}, [image]),
    ]
    for query, wanted in asks:
        assert keys(member_api, where, **query) == [row.pk for row in wanted], query
    assert keys(member_api, where, sha256=twin.sha256) == [twin.pk, *beyond]
    assert keys(member_api, where, class_name="dodo") == beyond
    assert keys(member_api, where, class_name="nobody") == []


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "9" * 30),
        ("dataset", "x"),
        ("split", "tset"),
        ("label", "1.5"),
        ("label", "-1"),
        ("label", "9" * 30),
        ("sha256", "abc"),
        ("sha256", [f"{number:064x}" for number in range(501)]),
        ("hidden", "yes"),
        ("class_name", "a\0b"),
        ("limit", "1001"),
        ("cursor", "x"),
        ("fields", "look"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(
    world: World, member_api: APIClient, nested: bool, field: str, value: Any
) -> None:
    answer = member_api.get(of(world.dataset) if nested else ROOT, {field: value})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == field


def test_a_picture_says_where_it_can_be_had_small_and_large(world: World, member_api: APIClient) -> None:
    Dataset.objects.update(public=False)
    image = world.test_images[0]
    row = member_api.get(f"{ROOT}{image.pk}/").json()
    assert row["url"] == f"http://testserver{ROOT}{image.pk}/file/" and row["sha256"] == image.sha256
    for address in (row["url"], row["thumbnail_url"]):
        answer: Any = member_api.get(address, headers={"Accept": "image/jpeg"})
        assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg"
        picture = Pillow.open(io.BytesIO(b"".join(answer.streaming_content)))
        assert picture.format == "JPEG" and picture.size == (32, 32)


def test_a_file_that_cannot_be_given_is_a_problem(world: World, member_api: APIClient) -> None:
    image = world.test_images[0]
    wrong = member_api.get(f"{ROOT}{image.pk}/file/", {"size": "huge"}, headers={"Accept": "image/jpeg"})
    assert wrong.status_code == 400 and wrong["Content-Type"] == "application/problem+json"
    image.file.unlink()
    gone = member_api.get(f"{ROOT}{image.pk}/file/")
    assert gone.status_code == 404 and gone.json()["type"] == "/api/problems/not-found"


@pytest.mark.parametrize("pk", ["0", "9" * 18, "9" * 30, "x"])
def test_an_unknown_picture_is_not_found(member_api: APIClient, pk: str) -> None:
    assert member_api.get(f"{ROOT}{pk}/").status_code == 404


# --- adding


def test_pictures_are_added_to_a_class(world: World, curator_api: APIClient) -> None:
    files = [SimpleUploadedFile("photo.jpg", jpeg(seed)) for seed in (1, 2)]
    body = {"pictures": files, "class_name": world.dataset.class_names[0]}
    job = done(job_of(curator_api.post(of(world.dataset), body, format="multipart")))
    assert job.result == {"dataset": world.dataset.pk, "added": 2, "there_already": 0, "broken": [], "skipped": []}
    assert world.dataset.images.filter(label=0).count() == 8


def test_an_archive_makes_a_new_class(world: World, curator_api: APIClient) -> None:
    archive = SimpleUploadedFile("birds.zip", zipped({"1.jpg": jpeg(1)}))
    body = {"pictures": [archive], "class_name": "Dodo", "new": "true", "split": "test"}
    assert done(job_of(curator_api.post(of(world.dataset), body, format="multipart"))).result
    assert Dataset.objects.get().class_names[-1] == "Dodo" and world.dataset.images.get(label=8).split == "test"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"class_name": "Dodo"}, "required"),
        ({"pictures": 1}, "required"),
        ({"pictures": 1, "class_name": "Dodo"}, "no class 'Dodo'"),
        ({"pictures": 1, "class_name": "Dodo", "new": "true"}, "needs a split"),
        ({"pictures": 1, "class_name": "Dodo", "new": "true", "split": "both"}, "not a valid choice"),
        ({"pictures": 1, "class_name": "Dodo", "label": "3"}, "no such field"),
        ({"pictures": 101, "class_name": "Dodo"}, "no more than 100|too large"),
    ],
)
def test_a_wrong_addition_is_a_problem(
    world: World, curator_api: APIClient, body: dict[str, Any], sentence: str
) -> None:
    files = [SimpleUploadedFile("photo.jpg", jpeg(1)) for _ in range(body.get("pictures", 0))]
    answer = curator_api.post(of(world.dataset), {**body, "pictures": files}, format="multipart")
    assert answer.status_code in (400, 413)
    assert any(part in answer.json()["detail"] for part in sentence.split("|")), answer.json()
    assert not Job.objects.filter(kind="add-pictures").exists()


# --- changing several


def test_pictures_are_hidden_and_shown_again(world: World, curator_api: APIClient) -> None:
    body = {"images": [image.pk for image in world.test_images[:2]]}
    assert curator_api.post(of(world.dataset, "hide"), body).json() == {"changed": 2}
    assert curator_api.post(of(world.dataset, "hide"), body).json() == {"changed": 0}
    assert curator_api.post(of(world.dataset, "show"), body).json() == {"changed": 2}
    assert Dataset.objects.get().revision == 3


def test_pictures_move_to_an_old_and_to_a_new_class(world: World, curator_api: APIClient) -> None:
    one, other = (image.pk for image in world.test_images[:2])
    old = {"images": [one], "class_name": world.dataset.class_names[0]}
    assert curator_api.post(of(world.dataset, "relabel"), old).json() == {"changed": 1}
    new = {"images": [one, other], "class_name": "Dodo", "new": True, "split": "test"}
    assert curator_api.post(of(world.dataset, "relabel"), new).json() == {"changed": 2}
    assert set(world.dataset.images.filter(pk__in=[one, other]).values_list("label", "split")) == {(8, "test")}


@pytest.mark.parametrize("action", ["hide", "show", "relabel", "delete"])
@pytest.mark.parametrize("images", [[], [10**9], [2**63], ["x"], "7", [0], [1.5], None, list(range(1, 5002))])
def test_a_wrong_choice_is_a_problem(world: World, curator_api: APIClient, action: str, images: Any) -> None:
    body = {"images": images} | ({"class_name": world.dataset.class_names[0]} if action == "relabel" else {})
    answer = curator_api.post(of(world.dataset, action), body)
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert Dataset.objects.get().revision == 1


def test_a_change_heeds_the_version_of_the_set(world: World, curator_api: APIClient) -> None:
    version = curator_api.get(f"/api/v1/datasets/{world.dataset.pk}/")["ETag"]
    body, headers = {"images": [world.test_images[0].pk]}, {"If-Match": version}
    assert curator_api.post(of(world.dataset, "hide"), body, headers=headers).status_code == 200
    assert curator_api.post(of(world.dataset, "show"), body, headers=headers).status_code == 412
    files = {"pictures": [SimpleUploadedFile("1.jpg", jpeg(1))], "class_name": world.dataset.class_names[0]}
    assert curator_api.post(of(world.dataset), files, format="multipart", headers=headers).status_code == 412


# --- deleting


def test_pictures_are_deleted_by_a_job_and_once(world: World, curator_api: APIClient) -> None:
    body = {"images": [image.pk for image in world.test_images[:2]]}
    first, second = (
        curator_api.post(of(world.dataset, "delete"), body, headers={"Idempotency-Key": "one"}) for _ in range(2)
    )
    assert first.json() == second.json() and second["Idempotent-Replayed"] == "true"
    assert done(job_of(first)).result == {"dataset": world.dataset.pk, "deleted": 2}
    assert world.dataset.images.count() == 46


def test_one_picture_is_deleted_under_its_version(world: World, curator_api: APIClient) -> None:
    where = f"{ROOT}{world.test_images[0].pk}/"
    assert curator_api.delete(where, headers={"If-Match": '"another"'}).status_code == 412
    done(job_of(curator_api.delete(where, headers={"If-Match": curator_api.get(where)["ETag"]})))
    assert curator_api.get(where).status_code == 404


def test_too_little_is_never_left(world: World, curator_api: APIClient) -> None:
    body = {"images": [image.pk for image in world.test_images]}
    answer = curator_api.post(of(world.dataset, "delete"), body)
    assert answer.status_code == 400 and "0 test classes" in answer.json()["detail"]


# --- changing one


def test_a_picture_is_hidden_and_moved(world: World, curator_api: APIClient) -> None:
    where, name = f"{ROOT}{world.test_images[0].pk}/", world.dataset.class_names[0]
    answer = curator_api.patch(where, {"hidden": True, "class_name": name.upper()})
    row = answer.json()
    assert (row["hidden"], row["label"], row["class_name"], row["split"]) == (True, 0, name, "train")
    assert answer["ETag"] == curator_api.get(where)["ETag"]


def test_a_picture_is_moved_and_hidden_or_neither(world: World, curator_api: APIClient) -> None:
    where = f"{ROOT}{world.test_images[0].pk}/"
    before = curator_api.get(where).json()
    assert curator_api.patch(where, {"hidden": True, "class_name": "Dodo"}).status_code == 400
    assert curator_api.patch(where, {"hidden": True, "label": 1}).status_code == 400
    assert curator_api.get(where).json() == before


def test_an_upload_is_added_class_by_class(curator_api: APIClient, world: World) -> None:
    upload = filled(classes_of_jpegs("Dodo", world.dataset.class_names[0]))
    answer = curator_api.post(of(world.dataset), {"upload": str(upload.pk), "split": "test"})
    assert answer.status_code == 202
    assert done(Job.objects.get(pk=answer.json()["id"])).result["added"] == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "upload"),
        ({"upload": "0d8f7a4e-6a52-4c57-9f3e-1d2b8c6f5a10"}, "upload"),
        ({"upload": 7}, "upload"),
        ({"upload": "u", "split": "both"}, "split"),
        ({"class_name": "Dodo"}, "class_name"),
    ],
)
def test_a_folder_that_cannot_be_added_is_refused_by_its_field(
    curator_api: APIClient, world: World, body: dict[str, Any], field: str
) -> None:
    answer = curator_api.post(of(world.dataset), body)
    assert answer.status_code == 400 and field in {error["field"] for error in answer.json()["errors"]}


def test_new_classes_of_a_folder_need_a_half(curator_api: APIClient, world: World) -> None:
    answer = curator_api.post(of(world.dataset), {"upload": str(filled(classes_of_jpegs("Dodo")).pk)})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "split"
