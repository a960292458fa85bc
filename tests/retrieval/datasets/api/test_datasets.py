from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from jobs.models import Job
from retrieval.models import Dataset
from tests.conftest import api_of
from tests.retrieval.datasets.filled import classes_of_jpegs, filled
from tests.retrieval.pictures import jpeg, zipped
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/datasets/"
SMALL = "wings:species=4,per_class=2,size=32"


def at(dataset: Dataset, *more: object) -> str:
    return ROOT + "".join(f"{part}/" for part in (dataset.pk, *more))


@pytest.fixture
def waiting(db: None) -> Dataset:
    """A data set whose import has not ended."""
    return Dataset.objects.create(name="Waiting", slug="waiting", source="x")


# --- reading


def test_visitors_read_what_is_public_and_members_what_is_imported(
    world: World, waiting: Dataset, member_api: APIClient, curator_api: APIClient
) -> None:
    def seen(client: APIClient) -> list[str]:
        return [row["slug"] for row in client.get(ROOT).json()["results"]]

    assert (seen(APIClient()), seen(member_api), seen(curator_api)) == (["wings"], ["wings"], ["waiting", "wings"])
    Dataset.objects.update(public=False)
    assert (seen(APIClient()), seen(member_api)) == ([], ["wings"])
    assert APIClient().get(at(world.dataset)).status_code == 404
    assert member_api.get(at(waiting)).status_code == 404


def test_a_set_is_told_whole_and_has_a_version(world: World) -> None:
    answer = APIClient().get(at(world.dataset))
    row = answer.json()
    assert row["slug"] == "wings" and row["report"]["images"] == 48 and len(row["classes"]) == 8
    assert row["created_at"] and row["revision"] == 1
    again = APIClient().get(at(world.dataset), headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304 and not again.content
    assert APIClient().get(at(world.dataset), {"fields": "id,name"}).json() == {"id": row["id"], "name": "Wings"}


def test_a_report_of_release_0_1_has_the_keys_of_today(client: Client, world: World) -> None:
    kept = {name: value for name, value in world.dataset.report.items() if name != "singleton_classes"}
    Dataset.objects.update(report={**kept, "lonely": ["dodo"]})
    report = APIClient().get(at(world.dataset)).json()["report"]
    assert report["singleton_classes"] == ["dodo"] and "lonely" not in report
    assert "dodo" in client.get(reverse("dataset", args=["wings"])).content.decode()


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ({"slug": "wings"}, ["wings"]),
        ({"slug": "wing"}, []),
        ({"public": "true"}, ["wings"]),
        ({"public": "false"}, ["waiting"]),
        ({"labelled": "false"}, []),
    ],
)
def test_sets_are_narrowed(
    world: World, waiting: Dataset, curator_api: APIClient, query: dict[str, str], slugs: list[str]
) -> None:
    assert [row["slug"] for row in curator_api.get(ROOT, query).json()["results"]] == slugs


@pytest.mark.parametrize(
    ("query", "field"), [({"public": "banana"}, "public"), ({"labelled": "1"}, "labelled"), ({"slug": "a\0b"}, "slug")]
)
def test_a_filter_that_makes_no_sense_is_named(db: None, query: dict[str, str], field: str) -> None:
    answer = APIClient().get(ROOT, query)
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 18, "9" * 30, "-1", "a"])
def test_an_unknown_set_is_not_found(member_api: APIClient, pk: str) -> None:
    answer = member_api.get(f"{ROOT}{pk}/")
    assert answer.status_code == 404 and answer["Content-Type"] == "application/problem+json"


# --- importing


def test_a_curator_imports_and_follows_the_job(curator_api: APIClient) -> None:
    answer = curator_api.post(ROOT, {"name": "Wings", "source": SMALL, "licence": "CC0"})
    assert answer.status_code == 202 and answer["Retry-After"] == "2"
    assert curator_api.get(answer["Location"]).json()["kind"] == "import"
    dataset = Dataset.objects.get()
    assert dataset.job == Job.objects.get() and dataset.labelled and not dataset.public
    assert done(dataset.job).result == {"dataset": dataset.pk, "images": 8, "classes": 4}
    assert curator_api.get(f"{ROOT}{dataset.pk}/").json()["job"] == answer.json()["id"]


def test_an_archive_is_sent_as_a_form_and_a_box_left_out_is_as_described(curator_api: APIClient) -> None:
    archive = SimpleUploadedFile("birds.zip", zipped({"a/1.jpg": jpeg(1)}))
    answer = curator_api.post(ROOT, {"name": "Birds", "archive": archive, "public": "true"}, format="multipart")
    assert answer.status_code == 202
    dataset = Dataset.objects.get()
    assert dataset.labelled and dataset.public and dataset.source.startswith("upload:")


def test_the_same_request_again_imports_once(curator_api: APIClient) -> None:
    body, key = {"name": "Wings", "source": SMALL}, {"Idempotency-Key": "one"}
    first, second = (curator_api.post(ROOT, body, headers=key) for _ in range(2))
    assert first.json() == second.json() and second["Idempotent-Replayed"] == "true"
    assert Dataset.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "Birds"}, "give one of source, archive and upload"),
        ({"name": "Birds", "source": "/etc"}, "outside the import folders"),
        ({"source": "wings"}, "This field is required"),
        ({"name": "a\0b", "source": "wings"}, "Null characters are not allowed"),
        ({"name": "Birds", "source": "wings", "pubic": True}, "there is no such field"),
        ({"name": "Birds", "source": "wings", "labelled": False}, "always has labels"),
        ({"name": "Birds", "archive": "birds.zip"}, "not a file"),
    ],
)
def test_a_wrong_import_is_a_problem(curator_api: APIClient, body: dict[str, Any], sentence: str) -> None:
    answer = curator_api.post(ROOT, body)
    assert answer.status_code == 400 and sentence in answer.json()["detail"], answer.json()
    assert not Dataset.objects.exists()


def test_an_upload_becomes_a_data_set_once(curator_api: APIClient) -> None:
    upload = filled(classes_of_jpegs("owl", "jay", "wren"))
    body, key = {"name": "Birds", "upload": str(upload.pk)}, {"Idempotency-Key": "one"}
    first, second = (curator_api.post(ROOT, body, headers=key) for _ in range(2))
    assert first.status_code == 202 and first.json() == second.json()
    done(Job.objects.get())
    assert Dataset.objects.get().class_names == ["jay", "owl", "wren"]
    answer = curator_api.post(ROOT, {**body, "name": "Birds again"})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "upload"


def test_a_set_is_read_again_from_an_upload(curator_api: APIClient) -> None:
    pictures = classes_of_jpegs("owl", "jay", "wren")
    curator_api.post(ROOT, {"name": "Birds", "upload": str(filled(pictures).pk)})
    done(Job.objects.get())
    again = filled({**pictures, "owl/9.jpg": jpeg(9)})
    answer = curator_api.post(f"{ROOT}{Dataset.objects.get().pk}/reimport/", {"upload": str(again.pk)})
    assert answer.status_code == 202
    assert done(Job.objects.get(pk=answer.json()["id"])).result["added"] == 1


def test_two_sources_at_once_are_one_too_many(curator_api: APIClient) -> None:
    archive = SimpleUploadedFile("birds.zip", zipped({"a/1.jpg": jpeg(1)}))
    answer = curator_api.post(ROOT, {"name": "Birds", "archive": archive, "source": "wings"}, format="multipart")
    assert answer.status_code == 400 and "give one of" in answer.json()["detail"]


def test_a_preview_says_what_would_be_imported(curator_api: APIClient) -> None:
    answer = curator_api.post(f"{ROOT}preview/", {"source": SMALL})
    assert answer.status_code == 202 and answer.json()["kind"] == "preview"
    done(Job.objects.get())
    result = curator_api.get(answer["Location"]).json()["result"]
    assert (result["images"], result["classes"], result["refusal"]) == (8, 4, "")
    assert not Dataset.objects.exists()


def test_the_archive_of_a_preview_is_imported_by_its_upload(curator_api: APIClient) -> None:
    files = classes_of_jpegs("a", "b", "c", "d")
    form = {"archive": SimpleUploadedFile("b.zip", zipped(files)), "layout": '{"class_names": {"a": "Ash"}}'}
    answer = curator_api.post(f"{ROOT}preview/", form, format="multipart")
    assert answer.status_code == 202, answer.json()
    result = done(Job.objects.get()).result
    assert result is not None and result["first_classes"][0]["name"] == "Ash"
    body = {"name": "Birds", "upload": result["upload"], "layout": {"class_names": {"a": "Ash"}}}
    assert curator_api.post(ROOT, body).status_code == 202
    done(Job.objects.get(kind="import"))
    (row,) = curator_api.get(ROOT).json()["results"]
    assert row["layout"] == {"class_names": {"a": "Ash"}} and row["classes"] == ["Ash", "b", "c", "d"]
    again = curator_api.post(f"{ROOT}preview/", {"upload": result["upload"]})
    assert again.status_code == 400 and again.json()["errors"][0]["field"] == "upload"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"layout": {"levels": 2}}, "layout.levels"),
        ({"layout": {"level": "2"}}, "layout.level"),
        ({"layout": {"level": -1}}, "layout.level"),
        ({"layout": {"split": "thirds"}}, "layout.split"),
        ({"layout": {"class_names": {"a": 5}}}, "layout.class_names.a"),
        ({"layout": {"class_names": {"a": ""}}}, "layout.class_names.a"),
        ({"layout": {"pattern": "x" * 400}}, "layout.pattern"),
        ({"layout": ["level"]}, "layout.non_field_errors"),
        ({"layout": {"level": 2}, "labelled": False}, "layout"),
        ({"source": "/etc"}, None),
        ({"source": ""}, None),
        ({"source": "", "upload": "0d8f7a4e-6a52-4c57-9f3e-1d2b8c6f5a10"}, "upload"),
    ],
)
def test_wrong_previews_and_imports_are_problems(
    curator_api: APIClient, body: dict[str, Any], field: str | None
) -> None:
    for path, more in ((f"{ROOT}preview/", {}), (ROOT, {"name": "Birds"})):
        answer = curator_api.post(path, {"source": SMALL, **more, **body})
        assert answer.status_code == 400, answer.json()
        assert field is None or answer.json()["errors"][0]["field"] == field, answer.json()
    assert not Job.objects.exists() and not Dataset.objects.exists()


def test_a_second_preview_of_a_person_is_a_conflict(curator_api: APIClient) -> None:
    assert curator_api.post(f"{ROOT}preview/", {"source": SMALL}).status_code == 202
    assert curator_api.post(f"{ROOT}preview/", {"source": "wings"}).status_code == 409


def test_a_set_is_read_again_with_another_layout(world: World, curator_api: APIClient) -> None:
    body = {"layout": {"level": 1}, "dry_run": True}
    answer = curator_api.post(at(world.dataset, "reimport"), body)
    assert answer.status_code == 202
    assert Job.objects.get(pk=answer.json()["id"]).payload["layout"] == {"level": 1}


def test_importing_is_for_curators_whose_token_may_write(member_api: APIClient, curator: User) -> None:
    body = {"name": "Wings", "source": "wings"}
    assert member_api.post(ROOT, body).status_code == 403
    answer = api_of(curator, read_only=True).post(ROOT, body)
    assert answer.status_code == 403 and "read-only" in answer.json()["detail"]
    assert not Dataset.objects.exists()


# --- changing


def test_what_is_said_of_a_set_is_changed_under_its_version(world: World, curator_api: APIClient) -> None:
    where = at(world.dataset)
    version = curator_api.get(where)["ETag"]
    changed = curator_api.patch(where, {"licence": " CC0 ", "public": False}, headers={"If-Match": version})
    assert changed.status_code == 200 and changed["ETag"] != version
    assert (changed.json()["licence"], changed.json()["public"]) == ("CC0", False)
    actions = AuditEntry.objects.filter(target="Wings").values_list("action", flat=True)
    assert set(actions) == {"describe-dataset", "show-dataset-to-members"}
    late = curator_api.patch(where, {"attribution": "Ada"}, headers={"If-Match": version})
    assert late.status_code == 412 and Dataset.objects.get().attribution == world.dataset.attribution
    assert curator_api.patch(where, {"name": "Moths"}).status_code == 400
    assert curator_api.patch(where, {"licence": "mine"}, format="multipart").status_code == 415


def test_a_set_not_imported_yet_has_nothing_to_change(waiting: Dataset, curator_api: APIClient) -> None:
    asks: list[tuple[Callable[..., Any], str, dict[str, Any]]] = [
        (curator_api.patch, at(waiting), {"licence": "CC0"}),
        (curator_api.post, at(waiting, "reimport"), {"source": "wings"}),
        (curator_api.post, at(waiting, "images", "hide"), {"images": [1]}),
        (curator_api.post, at(waiting, "images", "delete"), {"images": [1]}),
    ]
    for send, where, body in asks:
        answer = send(where, body)
        assert answer.status_code == 409 and "not imported yet" in answer.json()["detail"], where
    assert curator_api.get(at(waiting, "classes")).json() == {"results": []}


def test_a_set_that_is_needed_stays(world: World, curator_api: APIClient) -> None:
    answer = curator_api.delete(at(world.dataset))
    assert answer.status_code == 409 and "used by experiment Small" in answer.json()["detail"]


def test_a_set_that_nothing_needs_goes(curator_api: APIClient) -> None:
    done(Job.objects.get(pk=curator_api.post(ROOT, {"name": "Wings", "source": SMALL}).json()["id"]))
    answer = curator_api.delete(at(Dataset.objects.get()))
    assert answer.status_code == 202 and done(Job.objects.get(pk=answer.json()["id"])).result == {"deleted": "Wings"}
    assert curator_api.get(ROOT).json()["results"] == []


def test_a_set_is_read_again_from_where_it_came_or_from_an_archive(world: World, curator_api: APIClient) -> None:
    dry = curator_api.post(at(world.dataset, "reimport"), {"dry_run": True})
    assert dry.status_code == 202
    busy = curator_api.post(at(world.dataset, "reimport"), {})
    assert busy.status_code == 409 and "is already changing Wings" in busy.json()["detail"]
    job = done(Job.objects.get(pk=dry.json()["id"]))
    assert job.result is not None and job.result["unchanged"] == 48
    archive = SimpleUploadedFile("birds.zip", zipped({"a/1.jpg": jpeg(1)}))
    sent = curator_api.post(at(world.dataset, "reimport"), {"archive": archive}, format="multipart")
    assert sent.status_code == 202 and Job.objects.get(pk=sent.json()["id"]).payload["dry_run"] is False
    assert len(list((settings.MEDIA_ROOT / "uploads").glob("*.zip"))) == 1


def test_two_places_to_read_from_are_one_too_many(world: World, curator_api: APIClient) -> None:
    archive = SimpleUploadedFile("birds.zip", zipped({"a/1.jpg": jpeg(1)}))
    body = {"archive": archive, "source": "wings"}
    assert curator_api.post(at(world.dataset, "reimport"), body, format="multipart").status_code == 400


# --- classes


def test_classes_are_listed_with_what_is_shown_of_them(world: World, curator_api: APIClient) -> None:
    hidden = world.test_images[0]
    curator_api.post(at(world.dataset, "images", "hide"), {"images": [hidden.pk]})
    rows = APIClient().get(at(world.dataset, "classes")).json()["results"]
    assert [row["label"] for row in rows] == list(range(8))
    counts = {row["label"]: (row["images"], row["held_out"]) for row in rows}
    assert counts[0] == (6, 0) and counts[hidden.label] == (5, 5)
    assert hidden.pk not in {row["sample"] for row in rows}
    assert APIClient().get(at(world.dataset, "classes"), {"fields": "label"}).json()["results"][0] == {"label": 0}


def test_a_class_gets_another_name(world: World, curator_api: APIClient) -> None:
    answer = curator_api.patch(at(world.dataset, "classes", 0), {"name": " Dodo "})
    assert answer.status_code == 200 and answer.json()["classes"][0] == "Dodo" and answer["ETag"]
    taken = curator_api.patch(at(world.dataset, "classes", 1), {"name": "dodo"})
    assert taken.status_code == 400 and "already" in taken.json()["detail"]


def test_a_class_is_merged_into_another(world: World, curator_api: APIClient) -> None:
    one, other = world.dataset.class_names[:2]
    where = at(world.dataset, "classes", 0, "merge")
    assert curator_api.post(where, {"into": other}).json() == {"changed": 6}
    assert curator_api.post(where, {"into": other}).status_code == 404
    nowhere = curator_api.post(at(world.dataset, "classes", 1, "merge"), {"into": one})
    assert nowhere.status_code == 400 and "no class" in nowhere.json()["detail"]


@pytest.mark.parametrize("label", ["8", "9" * 18, "9" * 30, "x"])
def test_an_unknown_class_is_not_found(world: World, curator_api: APIClient, label: str) -> None:
    assert curator_api.patch(at(world.dataset, "classes", label), {"name": "Dodo"}).status_code == 404


def test_a_change_of_classes_heeds_the_version_of_the_set(world: World, curator_api: APIClient) -> None:
    version = curator_api.get(at(world.dataset))["ETag"]
    curator_api.patch(at(world.dataset, "classes", 0), {"name": "Dodo"})
    body = {"into": world.dataset.class_names[2]}
    late = curator_api.post(at(world.dataset, "classes", 1, "merge"), body, headers={"If-Match": version})
    assert late.status_code == 412 and Dataset.objects.get().revision == 1
