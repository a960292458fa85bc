"""Who waits for something else than the processor leaves the turns to other searches."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from rest_framework.test import APIClient

from accounts import services
from accounts.models import User
from config.turns import Turns
from retrieval.models import Search
from retrieval.search.api import batches as api_batches
from retrieval.search.api.searches import SearchViewSet
from retrieval.search.services import run_search
from retrieval.search.services.batches import run_all
from retrieval.search.services.memory_budget import LRUCache
from retrieval.search.services.turns import turns
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

BATCH = "/api/v1/searches/batch/"


def all_are_free(which: Turns = turns) -> bool:
    """Say whether another thread could have every turn now."""
    with which._lock:
        return which._free == FREE


FREE = turns._free


@pytest.mark.django_db
def test_nobody_waits_while_a_batch_fetches_pictures(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[bool] = []

    def fetched(url: str, until: float) -> bytes:
        free.append(all_are_free())
        return jpeg()

    monkeypatch.setattr(api_batches, "fetch_picture", fetched)
    wanted = {"datasets": [world.dataset.pk], "image_url": "https://example.org/owl"}
    assert member_api.post(BATCH, {"searches": [wanted] * 2}).status_code == 200
    assert free == [True, True] and all_are_free()


class Arriving(BytesIO):
    """A body that notes at every piece whether others could search."""

    free: list[bool]

    def read(self, size: int | None = -1, /) -> bytes:
        self.free.append(all_are_free())
        return super().read(size)


@pytest.mark.django_db
def test_nobody_waits_while_the_pictures_of_a_batch_arrive(member: User, world: World) -> None:
    _, secret = services.create_token(member, "tests")
    body = Arriving(encode_multipart(BOUNDARY, {"datasets": [world.dataset.pk], "files": [BytesIO(jpeg())]}))
    body.free = []
    headers = {"Authorization": f"Token {secret}"}
    request = RequestFactory().generic("POST", BATCH, body.getvalue(), MULTIPART_CONTENT, headers=headers)
    request._stream = body
    answer = SearchViewSet.as_view({"post": "batch"})(request)
    assert answer.status_code == 200 and "search" in answer.data["results"][0]
    assert body.free and all(body.free) and all_are_free()


@pytest.mark.django_db
def test_a_single_search_need_not_wait_for_all_pictures_of_a_batch(
    member: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[int] = []
    monkeypatch.setattr(turns, "pass_on", lambda: passed.append(Search.objects.count()))
    wanted: run_search.SearchRequest = {
        "datasets": [world.dataset],
        "models": world.models,
        "by": member,
        "upload": jpeg(),
    }
    run_all([wanted, wanted])
    assert passed == [0, 0, 0, 1]  # before each is decoded, and before each is ranked and stored


@contextmanager
def searching(which: Turns, work: Callable[[], Any]) -> Iterator[threading.Thread]:
    """Do the work in a thread with a turn, which has to end with the block."""

    def search() -> None:
        with which.taken():
            work()

    thread = threading.Thread(target=search, daemon=True)
    thread.start()
    yield thread
    thread.join(10)
    assert not thread.is_alive()


def test_searches_go_on_while_others_wait_for_a_model_to_be_loaded() -> None:
    ours, loads, loaded = Turns(1), threading.Event(), threading.Event()
    cache = LRUCache(100, while_loading=ours.left)

    def load() -> str:
        loads.set()
        assert loaded.wait(10)
        return cache.get("trunk", lambda: "network", 1)  # as a model loads its trunk

    with ExitStack() as threads:
        for _ in range(3):  # one loads, two wait for it
            threads.enter_context(searching(ours, lambda: cache.get("model", load, 1)))
        assert loads.wait(10)
        with searching(ours, lambda: cache.get("other", lambda: "index", 1)) as other:
            other.join(10)
            assert not other.is_alive()
        loaded.set()
    assert ours._free == 1
