import re
import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from accounts.models import User
from retrieval.models import Dataset, Search
from retrieval.search.services import engine
from tests.conftest import api_of
from tests.retrieval.pictures import BAD, GOOD
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/searches/"


def body(world: World, **changes: Any) -> dict[str, Any]:
    return {"datasets": [world.dataset.pk], "k": 3, "image": world.test_images[0].pk} | changes


def with_picture(world: World, data: bytes) -> dict[str, Any]:
    return {"datasets": [world.dataset.pk], "k": 3, "picture": SimpleUploadedFile("bird.jpg", data)}


def test_a_search_by_a_gallery_picture_is_answered_and_kept(member_api: APIClient, member: User, world: World) -> None:
    answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 201
    kept = member_api.get(answer["Location"])
    assert kept["Content-Type"] == "application/json" and kept.json() == answer.json()
    search = Search.objects.get(owner=member)
    for column, ranking in zip(answer.json()["results"], search.rankings.all(), strict=True):
        assert column["model_name"] == ranking.model.name
        assert [row["image"] for row in column["answers"]] == ranking.image_ids
        assert [row["similarity"] for row in column["answers"]] == ranking.scores


def test_chosen_models_answer_alone_and_once(member_api: APIClient, world: World) -> None:
    pk = world.models[1].pk
    [column] = member_api.post(ROOT, body(world, models=[pk, pk]), format="json").json()["results"]
    assert column["model"] == pk


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
    assert answer.status_code == 400 and "at most 20 MB" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image": None}, "image: This field may not be null"),
        ({"k": 0}, "ask for 1 to 47 answers, not 0"),
        ({"k": 10**9}, "not 1000000000"),
        ({"k": "many"}, "A valid integer is required"),
        ({"datasets": [999999]}, '"999999"'),
        ({"datasets": [10**30]}, "object does not exist"),
        ({"datasets": ["x"]}, "Incorrect type"),
        ({"datasets": [True]}, "Incorrect type"),
        ({"datasets": []}, "may not be empty"),
        ({"datasets": "x"}, "Expected a list"),
        ({"models": [999999]}, "no model 999999 can search Wings"),
        ({"models": ["x"]}, "A valid integer is required"),
        ({"models": "x"}, "models"),
        ({"image": 999999}, "no picture 999999"),
        ({"image": 10**30}, "no picture"),
        ({"image": "x"}, "A valid integer is required"),
    ],
)
def test_a_wrong_search_is_a_problem_and_stores_nothing(
    member_api: APIClient, world: World, change: dict[str, Any], sentence: str
) -> None:
    answer = member_api.post(ROOT, body(world, **change), format="json")
    assert answer.status_code == 400 and sentence in answer.json()["detail"]
    assert not Search.objects.exists()


def test_a_search_needs_one_query_and_no_two(member_api: APIClient, world: World) -> None:
    both = with_picture(world, GOOD["a WebP"]) | {"image": world.test_images[0].pk}
    for values in ({"datasets": [world.dataset.pk]}, both):
        answer = member_api.post(ROOT, values, format="multipart")
        assert answer.status_code == 400 and "exactly one of picture and image" in answer.json()["detail"]
    assert not Search.objects.exists()


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff", b"null", b'"x"'])
def test_what_is_no_search_at_all_is_a_problem(member_api: APIClient, data: bytes) -> None:
    assert member_api.post(ROOT, data, content_type="application/json").status_code == 400


def test_a_set_one_may_not_see_does_not_exist(member_api: APIClient, world: World) -> None:
    Dataset.objects.update(revision=0)
    answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 400 and "does not exist" in answer.json()["detail"]


def test_a_set_nobody_can_search_is_a_conflict(member_api: APIClient, world: World) -> None:
    for model in world.models:
        model.indexes.update(active=False)
    answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 409 and "can search Wings yet" in answer.json()["detail"]


def test_a_damaged_index_is_a_problem(member_api: APIClient, world: World, fresh_engine: None) -> None:
    replaced(world.index_of(world.models[0]).folder / "vectors.npy", b"rot")
    answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 400 and "the index of SoftTriple cannot be used" in answer.json()["detail"]


def test_a_busy_site_answers_503_and_says_when(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_waiting", threading.BoundedSemaphore(1))
    member_api.raise_request_exception = False
    with engine._place_in_queue():
        answer = member_api.post(ROOT, body(world), format="json")
    assert answer.status_code == 503 and answer["Retry-After"] == "2"
    assert "try again" in answer.json()["detail"] and answer["Content-Type"] == "application/problem+json"


def test_searches_are_listed_shared_and_deleted_by_their_owner(
    member_api: APIClient, member: User, world: World
) -> None:
    search = world.ask(member)
    assert [row["id"] for row in member_api.get(ROOT).json()["results"]] == [str(search.pk)]
    shared_at = member_api.post(f"{ROOT}{search.pk}/share/").json()["shared_at"]
    assert APIClient().get(shared_at).status_code == 200
    assert member_api.delete(f"{ROOT}{search.pk}/share/").json()["shared_at"] is None
    assert APIClient().get(shared_at).status_code == 404
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


def test_a_search_cannot_be_changed(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member)
    assert member_api.put(f"{ROOT}{search.pk}/", body(world), format="json").status_code == 405
    assert member_api.patch(f"{ROOT}{search.pk}/", {"k": 9}, format="json").status_code == 405
