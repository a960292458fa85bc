import threading
import time
from typing import Any

import pytest

from config.errors import Busy
from retrieval.search.services import model_cache
from retrieval.search.services.model_cache import LRUCache


def test_a_thing_is_loaded_once() -> None:
    shelf, loads = LRUCache(100), []
    for _ in range(3):
        assert shelf.get("a", lambda: loads.append(1) or "A", 10) == "A"
    assert len(loads) == 1


def test_the_least_recently_used_leave_when_together_they_are_too_large() -> None:
    shelf, loads = LRUCache(100), []

    def get(name: str) -> None:
        shelf.get(name, lambda: loads.append(name), 40)

    for name in ("a", "b", "a", "c"):  # with c it is 120: b leaves
        get(name)
    loads.clear()
    get("a"), get("c")
    assert loads == []
    get("b")
    assert loads == ["b"]


def test_a_thing_larger_than_the_shelf_is_served_alone() -> None:
    shelf = LRUCache(100)
    shelf.get("small", object, 50)
    assert shelf.get("large", lambda: "large", 500) == "large"
    assert list(shelf._held) == ["large"]


def test_what_cannot_be_loaded_is_not_kept() -> None:
    shelf = LRUCache(100)

    def fail() -> str:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        shelf.get("a", fail, 10)
    assert shelf.get("a", lambda: "A", 10) == "A"


def test_many_who_ask_at_once_load_once() -> None:
    shelf, loads = LRUCache(100), []

    def load() -> str:
        loads.append(1)
        time.sleep(0.05)
        return "A"

    threads = [threading.Thread(target=shelf.get, args=("a", load, 10)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1


def test_a_cleared_shelf_loads_again() -> None:
    shelf, loads = LRUCache(100), []
    shelf.get("a", lambda: loads.append(1), 10)
    shelf.clear()
    shelf.get("a", lambda: loads.append(1), 10)
    assert len(loads) == 2


def test_more_than_may_wait_are_refused_and_places_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "_waiting", threading.BoundedSemaphore(1))
    for _ in range(2):  # twice: a refusal must not use up a place
        with (
            model_cache._place_in_queue(),
            pytest.raises(Busy, match="try again") as busy,
            model_cache._place_in_queue(),
        ):
            pytest.fail("there was no place")
        assert busy.value.retry_after >= 1

    class Broken:
        def embed(self, pictures: Any) -> Any:
            raise OSError("disk")

    for _ in range(3):  # an error gives the place back as well
        with pytest.raises(OSError, match="disk"):
            model_cache.embed(Broken(), [])  # type: ignore[arg-type]
