import threading
import time

import pytest

from retrieval.search.services import memory_budget
from retrieval.search.services.memory_budget import LRUCache


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


def test_one_thing_larger_than_the_shelf_is_kept_beside_the_others(caplog: pytest.LogCaptureFixture) -> None:
    shelf, loads = LRUCache(100), list[object]()

    def get(name: object, size: int) -> None:
        shelf.get(name, lambda: loads.append(name), size)

    for _ in range(3):
        get("large", 500), get("small", 60), get("other", 40)
    assert loads == ["large", "small", "other"] and shelf.resident_bytes == 600
    get("third", 50)  # the others share what the shelf has without it
    assert shelf.resident_bytes == 650 - 60 and "small" not in shelf._held
    get("larger", 700)  # only the one used last is let off
    assert shelf.resident_bytes <= 800 and "large" not in shelf._held
    get(("model", 1), 300)  # of each kind
    assert {"larger", ("model", 1)} <= shelf._held.keys()
    assert "large keeps 0 MB in memory, more than KINDRED_ENGINE_MB (0)" in caplog.text


def test_a_large_thing_leaves_when_a_smaller_one_takes_its_place() -> None:
    shelf, loads = LRUCache(100), list[object]()
    shelf.get(("index", 1), object, 500)
    for _ in range(3):  # the new index is smaller; nobody reads the old one any more
        shelf.get(("index", 2), lambda: loads.append("new"), 400)
        shelf.get(("model", 1), lambda: loads.append("model"), 60)
    assert loads == ["new", "model"] and ("index", 1) not in shelf._held


def test_what_left_long_ago_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = LRUCache(100)
    monkeypatch.setattr(memory_budget, "SOON", 0)
    for number in range(50):
        shelf.get(("index", number), object, 60)
    assert len(shelf._left) <= 1


def test_the_log_says_when_what_is_used_together_does_not_fit(caplog: pytest.LogCaptureFixture) -> None:
    shelf = LRUCache(100)
    for name in ("a", "b", "a"):
        shelf.get(name, object, 60)
    assert "a left memory for others and is loaded again" in caplog.text


def test_what_is_forgotten_is_loaded_again() -> None:
    shelf, loads = LRUCache(100), []
    for _ in range(2):
        shelf.get("a", lambda: loads.append(1), 10)
        shelf.forget("a")
    shelf.forget("a")
    assert len(loads) == 2


def test_what_cannot_be_loaded_is_not_kept() -> None:
    shelf = LRUCache(100)

    def fail() -> str:
        raise OSError("disk")

    shelf.get("b", object, 60)
    with pytest.raises(OSError, match="disk"):
        shelf.get("a", fail, 40)
    assert shelf.resident_bytes == 60
    assert shelf.get("a", lambda: "A", 40) == "A" and shelf.resident_bytes == 100


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
