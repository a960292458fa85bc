import re
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from config.errors import Rejected
from retrieval.models import Search
from retrieval.search.api import batches as api_batches
from retrieval.search.services import model_cache
from retrieval.search.services.url_fetch import FetchedTooLate
from tests.conftest import api_of
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, full_queue, replaced

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/searches/"
BATCH = f"{ROOT}batch/"


def bodies(world: World, *changes: dict[str, Any]) -> dict[str, Any]:
    """Return a batch with the first held-out pictures, changed one by one."""
    usual: dict[str, Any] = {"datasets": [world.dataset.pk], "k": 3}
    return {"searches": [usual | {"image_id": world.test_images[0].pk} | change for change in changes]}


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a search says, but for what is its own."""
    columns = row["columns"]
    return row["query_image"], [[(one["image"], one["similarity"]) for one in column["results"]] for column in columns]


def test_a_batch_answers_what_single_searches_would_in_their_order(member_api: APIClient, world: World) -> None:
    pictures = world.test_images[:10]  # more than are looked at together
    answer = member_api.post(BATCH, bodies(world, *({"image_id": image.pk} for image in pictures)))
    rows = [row["search"] for row in answer.json()["results"]]
    assert answer.status_code == 200 and [row["query_image"] for row in rows] == [image.pk for image in pictures]
    for row in rows:
        single = member_api.post(ROOT, {"datasets": [world.dataset.pk], "k": 3, "image_id": row["query_image"]}).json()
        alone, together = told(single), told(row)
        assert [[image for image, _ in column] for column in together[1]] == [
            [image for image, _ in column] for column in alone[1]
        ]
        assert row == member_api.get(f"{ROOT}{row['id']}/").json()


def test_one_that_is_wrong_leaves_the_others(member_api: APIClient, world: World) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"image_id": 999999}, "image_id: there is no picture 999999"),
        ({"box": [0.5, 0, 0.2, 1]}, "left before right"),
        ({"k": 48}, "1 to 47 results"),
        ({"colour": "red"}, "there is no such field"),
        ({"file": "x"}, "there is no such field"),
        ({"image_url": "http://127.0.0.1/"}, "give exactly one of image_id, image_url"),
        ({"box": [0, 0, 0.01, 0.01]}, "draw it larger"),
    ]
    rows = member_api.post(BATCH, bodies(world, {}, *(change for change, _ in wrong), {})).json()["results"]
    assert [set(row) for row in rows] == [{"search"}, *[{"problem"}] * len(wrong), {"search"}]
    for row, (_, sentence) in zip(rows[1:-1], wrong, strict=True):
        problem = row["problem"]
        assert problem["type"] == "/api/problems/invalid" and problem["status"] == 400
        assert sentence in problem["detail"] and problem["request_id"]
    assert Search.objects.count() == 2


def test_a_problem_is_the_one_that_the_search_alone_would_meet(member_api: APIClient, world: World) -> None:
    body = {"datasets": [world.dataset.pk], "image_id": 999999}
    alone = member_api.post(ROOT, body).json()
    [row] = member_api.post(BATCH, {"searches": [body]}).json()["results"]
    assert alone | {"request_id": ""} == row["problem"] | {"request_id": ""}
    for model in world.models:
        model.indexes.update(active=False)
    [row] = member_api.post(BATCH, bodies(world, {})).json()["results"]
    assert row["problem"]["type"] == "/api/problems/nothing-searchable" and row["problem"]["status"] == 409


def test_files_share_their_terms(member_api: APIClient, world: World) -> None:
    contents = [jpeg(1), b"no picture", b"", jpeg(2), bytes(20 * 2**20 + 1)]
    files = [SimpleUploadedFile(f"{place}.jpg", content) for place, content in enumerate(contents)]
    form = {
        "files": files,
        "datasets": [world.dataset.pk],
        "models": [world.models[1].pk],
        "k": 2,
        "box": [0, 0, 1, 0.9],
    }
    rows = member_api.post(BATCH, form, format="multipart").json()["results"]
    details = [row.get("problem", {}).get("detail", "") for row in rows]
    for detail, sentence in zip(details, ["^$", "not a picture", "is empty", "^$", "at most 20 MB"], strict=True):
        assert re.search(sentence, detail), detail
    for search in (rows[0]["search"], rows[3]["search"]):
        [column] = search["columns"]
        assert column["model"] == world.models[1].pk and len(column["results"]) == 2
        assert search["box"] == [0, 0, 1, 0.9]
    uploads = [search.upload.read_bytes() for search in Search.objects.all()]
    assert len(set(uploads)) == 2


def test_web_addresses_are_fetched(member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(address: str, until: float) -> bytes:
        if "gone" in address:
            raise Rejected("example.org answered 404 instead of a picture")
        return jpeg()

    monkeypatch.setattr(api_batches, "fetch_picture", fetched)
    wishes = [
        {"datasets": [world.dataset.pk], "image_url": f"https://example.org/{name}"} for name in ("owl", "gone", "owl")
    ]
    rows = member_api.post(BATCH, {"searches": wishes}).json()["results"]
    assert [set(row) for row in rows] == [{"search"}, {"problem"}, {"search"}]
    assert rows[1]["problem"]["errors"][0] == {
        "field": "image_url",
        "code": "invalid",
        "detail": "example.org answered 404 instead of a picture",
    }


def test_a_batch_fetches_for_so_long_and_answers_what_it_has(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def fetched(address: str, until: float) -> bytes:
        if "slow" in address:
            time.sleep(max(0, min(0.6, until - time.monotonic())))
        if until <= time.monotonic():
            raise FetchedTooLate("there was no time left to fetch from example.org; try it again")
        return jpeg()

    settings.FETCH_SECONDS = 0.5  # 1 second for all; the slow one in the first eight takes 0.6 of it
    monkeypatch.setattr(api_batches, "fetch_picture", fetched)
    names = ["slow", *["owl"] * 8, "slow", *["owl"] * 7, "owl"]
    wishes = [{"datasets": [world.dataset.pk], "image_url": f"https://example.org/{name}"} for name in names]
    rows = member_api.post(BATCH, {"searches": [*wishes, bodies(world, {})["searches"][0]]}).json()["results"]
    assert ["search" in row for row in rows] == [True] * 9 + [False] + [True] * 6 + [False] * 2 + [True]
    assert rows[9]["problem"]["type"] == "/api/problems/busy" and "try it again" in rows[9]["problem"]["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"searches": []},
        {"searches": "x"},
        {"searches": None},
        {"searches": [{}] * 51},
        {"searches": [{}], "colour": "red"},
        [],
        None,
    ],
)
def test_what_is_no_batch_is_a_problem(member_api: APIClient, world: World, body: Any) -> None:
    assert member_api.post(BATCH, body, format="json").status_code == 400


@pytest.mark.parametrize("item", [None, [], "x", 3, {}, {"datasets": None}])
def test_what_is_no_search_is_the_problem_of_its_place(member_api: APIClient, world: World, item: Any) -> None:
    good = bodies(world, {})["searches"][0]
    answer = member_api.post(BATCH, {"searches": [item, good]}, format="json")
    assert answer.status_code == 200
    assert [set(row) for row in answer.json()["results"]] == [{"problem"}, {"search"}]


@pytest.mark.parametrize("change", [{"datasets": [999999]}, {"files": []}, {"k": "many"}, {"image_id": 3}])
def test_wrong_terms_refuse_all_files(member_api: APIClient, world: World, change: dict[str, Any]) -> None:
    form = {"files": [SimpleUploadedFile("bird.jpg", jpeg())], "datasets": [world.dataset.pk]} | change
    assert member_api.post(BATCH, form, format="multipart").status_code == 400
    assert not Search.objects.exists()


def test_more_files_than_fifty_are_a_problem(member_api: APIClient, world: World) -> None:
    form = {"files": [SimpleUploadedFile("bird.jpg", b"x")] * 51, "datasets": [world.dataset.pk]}
    assert member_api.post(BATCH, form, format="multipart").status_code == 400


def test_a_damaged_model_refuses_those_who_ask_it(member_api: APIClient, world: World, fresh_engine: None) -> None:
    replaced(world.index_of(world.models[0]).folder / "vectors.npy", b"rot")
    wishes = ({"models": [world.models[0].pk]}, {"models": [world.models[1].pk]})
    rows = member_api.post(BATCH, bodies(world, *wishes)).json()["results"]
    assert "the index of SoftTriple cannot be used" in rows[0]["problem"]["detail"] and "search" in rows[1]


def test_a_busy_engine_is_waited_for(member_api: APIClient, world: World, settings: Settings) -> None:
    settings.ENGINE_QUEUE = 1
    with ExitStack() as stack:
        stack.enter_context(model_cache.queue.turn())
        threading.Timer(0.3, stack.pop_all().close).start()
        rows = member_api.post(BATCH, bodies(world, {}, {})).json()["results"]
    assert [set(row) for row in rows] == [{"search"}] * 2


def test_after_the_wait_what_is_left_is_busy(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_batches, "PATIENCE", 0.05)
    with full_queue():
        rows = member_api.post(BATCH, bodies(world, {}, {"image_id": 999999}, {})).json()["results"]
    assert [row["problem"]["status"] for row in rows] == [503, 400, 503]
    assert rows[0]["problem"]["type"] == "/api/problems/busy" and not Search.objects.exists()


def test_a_model_looks_once_at_all_pictures_of_a_part(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    features = model_cache.queue.features

    def counted(encoder: Any, squares: Any, patience: float = 0) -> Any:
        looks.append(len(squares))
        return features(encoder, squares, patience)

    monkeypatch.setattr(model_cache.queue, "features", counted)
    member_api.post(BATCH, bodies(world, *[{}] * 10))
    assert looks == [8, 8, 2, 2]


def test_a_read_only_token_asks_no_batch(member: User, world: World) -> None:
    assert api_of(member, read_only=True).post(BATCH, bodies(world, {})).status_code == 403
    assert APIClient().post(BATCH, bodies(world, {})).status_code == 401
    assert not Search.objects.exists()
