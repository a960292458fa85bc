import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from retrieval.models import Dataset, Image, Model, Search
from retrieval.search.api import searches as api
from tests.conftest import api_of
from tests.retrieval.pictures import BAD, GOOD, jpeg
from tests.retrieval.world import World, full_queue, replaced

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/searches/"


def body(world: World, **changes: Any) -> dict[str, Any]:
    return {"datasets": [world.dataset.pk], "k": 3, "image_id": world.test_images[0].pk} | changes


def with_picture(world: World, data: bytes) -> dict[str, Any]:
    return {"datasets": [world.dataset.pk], "k": 3, "file": SimpleUploadedFile("bird.jpg", data)}


def test_a_search_by_a_gallery_picture_is_answered_and_kept(member_api: APIClient, member: User, world: World) -> None:
    answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 201
    kept = member_api.get(answer["Location"])
    assert kept["Content-Type"] == "application/json" and kept.json() == answer.json()
    search = Search.objects.get(owner=member)
    for column, ranking in zip(answer.json()["columns"], search.rankings.all(), strict=True):
        assert column["model_name"] == ranking.model.name
        assert [row["image"] for row in column["results"]] == ranking.image_ids
        assert [row["similarity"] for row in column["results"]] == ranking.scores


def test_chosen_models_answer_alone_and_once(member_api: APIClient, world: World) -> None:
    pk = world.models[1].pk
    [column] = member_api.post(ROOT, body(world, models=[pk, pk]), format="json").json()["columns"]
    assert column["model"] == pk


def test_default_models_answer_where_they_are_asked_for(member_api: APIClient, world: World) -> None:
    pk = world.models[1].pk
    Model.objects.filter(pk=pk).update(is_default=True)
    assert len(member_api.post(ROOT, body(world), format="json").json()["columns"]) == 2
    [column] = member_api.post(ROOT, body(world, default_models=True), format="json").json()["columns"]
    assert column["model"] == pk
    both = member_api.post(ROOT, body(world, default_models=True, models=[pk]), format="json")
    assert both.status_code == 400 and "not both" in both.json()["detail"]


@pytest.mark.parametrize("name", GOOD)
def test_any_picture_searches(member_api: APIClient, world: World, name: str) -> None:
    answer = member_api.post(ROOT, with_picture(world, GOOD[name]), format="multipart")
    assert answer.status_code == 201 and answer.json()["query_image"] is None


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_a_problem(member_api: APIClient, world: World, name: str) -> None:
    data, sentence = BAD[name]
    answer = member_api.post(ROOT, with_picture(world, data), format="multipart")
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert re.search(sentence, answer.json()["detail"]) and not Search.objects.exists()


def test_a_huge_file_is_a_problem(member_api: APIClient, world: World) -> None:
    answer = member_api.post(ROOT, with_picture(world, bytes(50 * 2**20)), format="multipart")
    assert answer.status_code == 413 and answer.json()["type"] == "/api/problems/too-large"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image_id": None}, "image_id: This field may not be null"),
        ({"k": 0}, "choose 1 to 47"),
        ({"k": 10**9}, "not 1000000000"),
        ({"k": "many"}, "k: this must be a whole number"),
        ({"datasets": [999999]}, "datasets: there is no data set 999999"),
        ({"datasets": [1] * 1001}, "datasets: Ensure this field has no more than 1000"),
        ({"datasets": [10**30]}, "less than or equal to"),
        ({"datasets": ["x"]}, "this must be a whole number"),
        ({"datasets": [True]}, "this must be a whole number"),
        ({"datasets": []}, "may not be empty"),
        ({"datasets": "x"}, "Expected a list"),
        ({"models": [999999]}, "model 999999 has no index of Wings"),
        ({"models": ["x"]}, "this must be a whole number"),
        ({"models": "x"}, "models"),
        ({"models": [10**30]}, "less than or equal to"),
        ({"box": [0, 0, 1]}, "at least 4 elements"),
        ({"box": [0.5, 0, 0.2, 1]}, "left before right"),
        ({"box": [10**400, 0, 1, 1]}, "too large"),
        ({"box": [0, 0, 0.01, 0.01]}, "draw it larger"),
        ({"threshold": 1.5}, "less than or equal to 1"),
        ({"filters": {"splits": ["spring"]}}, '"spring" is not a valid choice'),
        ({"filters": {"colour": "red"}}, "there is no such field"),
        ({"filters": {"classes": [{"dataset": 1, "label": 10**30}]}}, "Wings has no class"),
        ({"filters": {"classes": [{"dataset": 1, "label": 1}] * 1001}}, "no more than 1000"),
        ({"filters": {"splits": ["test"] * 1001}}, "no more than 1000"),
        ({"filters": "x"}, "Expected a dictionary"),
        ({"colour": "red"}, "there is no such field"),
        ({"file": "x"}, "not a file"),
        ({"exclude_self": "perhaps"}, "true or false"),
        ({"image_id": 999999}, "no picture 999999"),
        ({"image_id": 10**30}, "less than or equal to"),
        ({"image_id": "x"}, "this must be a whole number"),
    ],
)
def test_a_wrong_search_is_a_problem_and_stores_nothing(
    member_api: APIClient, world: World, change: dict[str, Any], sentence: str
) -> None:
    answer = member_api.post(ROOT, body(world, **change), format="json")
    assert answer.status_code == 400 and sentence in answer.json()["detail"]
    assert not Search.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("k", 48),
        ("box", [0.5, 0, 0.2, 1]),
        ("box", [0, 0, 0.01, 0.01]),
        ("threshold", "nan"),
        ("filters", '{"classes": [{"dataset": 1, "label": 99}]}'),
        ("filters", '{"classes": [{"dataset": 999999, "label": 1}]}'),
    ],
)
def test_terms_that_make_no_sense_name_their_field(member_api: APIClient, world: World, field: str, value: Any) -> None:
    answer = member_api.post(ROOT, body(world, **{field: value}), format="multipart")
    assert answer.status_code == 400 and [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_set_that_is_named_often_is_looked_up_once(
    member_api: APIClient, world: World, django_assert_max_num_queries: Any
) -> None:
    with CaptureQueriesContext(connection) as once:
        member_api.post(ROOT, body(world), format="json")
    with django_assert_max_num_queries(len(once)):
        answer = member_api.post(ROOT, body(world, datasets=[world.dataset.pk] * 1000), format="json")
    assert answer.status_code == 201 and answer.json()["datasets"] == [world.dataset.pk]


def test_a_search_needs_one_query_and_no_two(member_api: APIClient, world: World) -> None:
    both = with_picture(world, GOOD["a WebP"]) | {"image_id": world.test_images[0].pk}
    for values in ({"datasets": [world.dataset.pk]}, both):
        answer = member_api.post(ROOT, values, format="multipart")
        assert answer.status_code == 400 and "exactly one of file, image_id, image_url" in answer.json()["detail"]
    assert not Search.objects.exists()


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b"null", b'"x"'])
def test_what_is_no_search_at_all_is_a_problem(member_api: APIClient, data: bytes) -> None:
    assert member_api.post(ROOT, data, content_type="application/json").status_code == 400


def test_a_set_one_may_not_see_does_not_exist(member_api: APIClient, world: World) -> None:
    Dataset.objects.update(revision=0)
    answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 400 and "there is no data set" in answer.json()["detail"]


def test_a_set_nobody_can_search_is_a_conflict(member_api: APIClient, world: World) -> None:
    for model in world.models:
        model.indexes.update(active=False)
    answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 409 and answer.json()["type"].endswith("/nothing-searchable")


def test_a_damaged_index_is_a_problem(member_api: APIClient, world: World, fresh_engine: None) -> None:
    replaced(world.index_of(world.models[0]).folder / "vectors.npy", b"rot")
    answer = member_api.post(ROOT, body(world, models=[world.models[0].pk]), format="json")
    assert answer.status_code == 400 and "the index of SoftTriple cannot be used" in answer.json()["detail"]
    both = member_api.post(ROOT, body(world), format="json").json()
    assert [column["model"] for column in both["columns"] if column["results"]] == [world.models[1].pk]
    assert "the index of SoftTriple cannot be used" in both["problems"][0]["detail"]


def test_a_busy_site_answers_503_and_says_when(member_api: APIClient, world: World) -> None:
    member_api.raise_request_exception = False
    with full_queue():
        answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 503 and answer["Retry-After"] == "1"
    assert "try again" in answer.json()["detail"] and answer["Content-Type"] == "application/problem+json"


def test_searches_are_listed_shared_and_deleted_by_their_owner(
    member_api: APIClient, member: User, world: World
) -> None:
    search = world.ask(member)
    assert [row["id"] for row in member_api.get(ROOT).json()["results"]] == [str(search.pk)]
    share_url = member_api.post(f"{ROOT}{search.pk}/share/").json()["share_url"]
    assert APIClient().get(share_url).status_code == 200
    assert member_api.delete(f"{ROOT}{search.pk}/share/").json()["share_url"] is None
    assert APIClient().get(share_url).status_code == 404
    assert member_api.delete(f"{ROOT}{search.pk}/").status_code == 204
    assert member_api.get(ROOT).json()["results"] == []


def test_a_stranger_finds_nothing(member: User, other_member: User, curator: User, world: World) -> None:
    search = world.ask(member)
    for stranger in (other_member, curator):
        api = api_of(stranger)
        assert api.get(ROOT).json()["results"] == []
        assert api.get(f"{ROOT}{search.pk}/").status_code == 404
        assert api.post(f"{ROOT}{search.pk}/share/").status_code == 404
        assert api.delete(f"{ROOT}{search.pk}/").status_code == 404
    assert APIClient().get(ROOT).status_code == 401
    assert Search.objects.filter(share_token=None).count() == 1


def test_a_read_only_token_reads_and_does_not_search(member: User, world: World) -> None:
    reader = api_of(member, read_only=True)
    assert reader.get(ROOT).status_code == 200
    answer = reader.post(ROOT, body(world), format="json")
    assert answer.status_code == 403 and "read-only" in answer.json()["detail"] and not Search.objects.exists()


@pytest.mark.parametrize("pk", ["-" * 36, "0" * 36])
def test_an_address_of_no_search_is_not_found(member_api: APIClient, pk: str) -> None:
    assert member_api.get(f"{ROOT}{pk}/").status_code == 404


def test_a_search_cannot_be_changed_but_for_its_name(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member)
    assert member_api.put(f"{ROOT}{search.pk}/", body(world), format="json").status_code == 405
    answer = member_api.patch(f"{ROOT}{search.pk}/", {"k": 9}, format="json")
    assert answer.status_code == 400 and "no such field; valid are name" in answer.json()["detail"]


def test_every_term_is_kept_and_shown_as_it_was_sent(member_api: APIClient, world: World) -> None:
    pictures = world.test_images
    label = pictures[1].label
    terms = {
        "models": [world.models[0].pk],
        "box": [0.1, 0.2, 0.9, 1.0],
        "threshold": -0.5,
        "filters": {"splits": ["test"], "classes": [{"dataset": world.dataset.pk, "label": label}]},
        "exclude_self": False,
    }
    found = member_api.post(ROOT, body(world, **terms), format="json").json()
    assert all(found[name] == value for name, value in terms.items() if name != "models")
    assert (found["more_like"], found["less_like"], found["root"], found["name"]) == ([], [], None, "")
    [column] = found["columns"]
    assert {row["class_name"] for row in column["results"]} == {pictures[1].class_name}
    assert all(row["dataset"] == world.dataset.pk and row["url"].startswith("http") for row in column["results"])


def test_a_form_has_repeated_parts_and_filters_as_json(member_api: APIClient, world: World) -> None:
    filters = json.dumps({"splits": ["test"]})
    terms = {"models": [model.pk for model in world.models], "box": [0, 0, 0.9, 0.9], "filters": filters}
    found = member_api.post(ROOT, with_picture(world, jpeg()) | terms, format="multipart").json()
    assert found["box"] == [0, 0, 0.9, 0.9] and found["exclude_self"] and len(found["columns"]) == 2
    assert found["filters"] == {"splits": ["test"], "classes": []}


@pytest.mark.parametrize("filters", ["{", "[" * 100_000, "[]", "null", "x"])
def test_filters_of_a_form_that_are_no_json_are_a_problem(member_api: APIClient, world: World, filters: str) -> None:
    answer = member_api.post(ROOT, with_picture(world, jpeg()) | {"filters": filters}, format="multipart")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"].startswith("filters")


@pytest.mark.parametrize("box", [["nan", 0, 1, 1], ["x", 0, 1, 1], [0, 0, "inf", 1]])
def test_a_box_of_no_numbers_is_a_problem(member_api: APIClient, world: World, box: list[Any]) -> None:
    answer = member_api.post(ROOT, with_picture(world, jpeg()) | {"box": box}, format="multipart")
    assert answer.status_code == 400 and not Search.objects.exists()


def test_a_picture_may_be_its_own_first_answer(member_api: APIClient, world: World) -> None:
    found = member_api.post(ROOT, body(world, exclude_self=False), format="json").json()
    query = world.test_images[0].pk
    for column in found["columns"]:
        assert column["results"][0]["image"] == query and column["results"][0]["similarity"] > 0.9999


def test_a_picture_at_a_web_address_searches(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "fetch_picture", {"https://example.org/owl.jpg": jpeg()}.__getitem__)
    wish = {"datasets": [world.dataset.pk], "image_url": "https://example.org/owl.jpg"}
    answer = member_api.post(ROOT, wish, format="json")
    assert answer.status_code == 201 and answer.json()["query_image"] is None


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/x.jpg", "http://[::1]/", "ftp://example.org/x", "x", "http://a\0b/", "http://" + "x" * 3000],
)
def test_an_address_that_is_not_fetched_is_a_problem(member_api: APIClient, world: World, address: str) -> None:
    answer = member_api.post(ROOT, {"datasets": [world.dataset.pk], "image_url": address}, format="json")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "image_url"


def test_where_fetching_is_off_no_address_is_asked(member_api: APIClient, world: World, settings: Settings) -> None:
    settings.FETCH = False
    wish = {"datasets": [world.dataset.pk], "image_url": "https://example.org/owl.jpg"}
    answer = member_api.post(ROOT, wish, format="json")
    assert answer.status_code == 400 and "does not fetch pictures" in answer.json()["detail"]


def test_a_hidden_picture_is_nobodys_query(curator: User, member: User, world: World) -> None:
    Image.objects.filter(pk=world.test_images[0].pk).update(hidden=True)
    for person in (curator, member):
        answer = api_of(person).post(ROOT, body(world), format="json")
        assert answer.status_code == 400 and "there is no picture" in answer.json()["detail"]


def test_a_list_asks_the_database_as_often_for_many_as_for_one(
    member_api: APIClient, member: User, world: World
) -> None:
    first = world.ask(member)
    with CaptureQueriesContext(connection) as one:
        member_api.get(ROOT)
    for image in world.test_images[1:4]:
        world.ask(member, image=image)
    with CaptureQueriesContext(connection) as many:
        rows = member_api.get(ROOT).json()["results"]
    assert len(rows) == 4 and len(many) <= len(one)
    assert rows[-1] == member_api.get(f"{ROOT}{first.pk}/").json()
    short = member_api.get(ROOT, {"fields": "id,name"}).json()["results"]
    assert [set(row) for row in short] == [{"id", "name"}] * 4


def test_saved_searches_and_refinements_are_found(member_api: APIClient, member: User, world: World) -> None:
    first, other = world.ask(member), world.ask(member, image=world.test_images[1])
    refined = world.ask(member, like=first)
    saved = member_api.patch(f"{ROOT}{first.pk}/", {"name": "  Owls at  dusk "}, format="json")
    assert saved.json()["name"] == "Owls at dusk" and saved["ETag"]

    def found(**query: str) -> set[str]:
        return {row["id"] for row in member_api.get(ROOT, query).json()["results"]}

    assert found(saved="true") == {str(first.pk)}
    assert found(saved="false") == {str(other.pk), str(refined.pk)}
    assert found(root=str(first.pk)) == {str(refined.pk)}
    assert member_api.patch(f"{ROOT}{first.pk}/", {"name": ""}, format="json").json()["name"] == ""
    assert found(saved="true") == set()


@pytest.mark.parametrize("query", ["saved=perhaps", "root=x", "root=%00", "root=" + "9" * 5000, "limit=0", "cursor=x"])
def test_a_filter_that_makes_no_sense_is_a_problem(member_api: APIClient, world: World, query: str) -> None:
    answer = member_api.get(f"{ROOT}?{query}")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.parametrize("name", ["   ", "x" * 81, "a\0b", None, 10**400])
def test_a_name_that_is_none_is_a_problem(member_api: APIClient, member: User, world: World, name: Any) -> None:
    search = world.ask(member)
    answer = member_api.patch(f"{ROOT}{search.pk}/", {"name": name}, format="json")
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "name"
    assert Search.objects.get().name == ""


def test_a_search_has_a_version(member_api: APIClient, member: User, world: World) -> None:
    where = f"{ROOT}{world.ask(member).pk}/"
    version = member_api.get(where)["ETag"]
    assert member_api.get(where, headers={"If-None-Match": version}).status_code == 304
    assert member_api.patch(where, {"name": "Owls"}, format="json", headers={"If-Match": version}).status_code == 200
    for change in (member_api.patch, member_api.delete):
        assert change(where, {"name": "Hawks"}, format="json", headers={"If-Match": version}).status_code == 412
    assert member_api.post(f"{where}share/", headers={"If-Match": version}).status_code == 412
    assert Search.objects.get().name == "Owls" and Search.objects.get().share_token is None
