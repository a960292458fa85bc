import threading
import time

import pytest

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
