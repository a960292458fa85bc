import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kindred_client import Busy, Problem, Unauthenticated, Unreachable
from kindred_client.batch_search import MOST_SEARCHES
from kindred_client.parallel import in_order
from tests.kindred_client.scripted import Server, gives, refuses

REFUSED = {"type": "/api/problems/invalid", "title": "No", "status": 400, "detail": "no picture"}


def finds(request: httpx.Request) -> httpx.Response:
    """Answer each search with what was asked, an odd id with a problem."""
    if b"form-data" in request.headers["Content-Type"].encode():
        names = [part.split(b'"')[0].decode() for part in request.content.split(b'filename="')[1:]]
        return gives({"results": [{"search": {"id": name}} for name in names]})
    rows: list[Any] = []
    for search in json.loads(request.content)["searches"]:
        odd = search.get("image_id", 0) % 2
        rows.append({"problem": REFUSED} if odd else {"search": {"id": search.get("image_id", "url")}})
    return gives({"results": rows})


def told(found: Any) -> Any:
    return found.detail if isinstance(found, Problem) else found["id"]


def test_answers_come_in_order_with_problems_in_their_places() -> None:
    server = Server(finds)
    found = server.client().searches.many(range(100), datasets=[1], k=3)
    assert [told(one) for one in found] == [number if number % 2 == 0 else "no picture" for number in range(100)]
    assert len(server.requests) == 100 / MOST_SEARCHES
    asked = [search for request in server.requests for search in json.loads(request.content)["searches"]]
    assert {"image_id": 0, "datasets": [1], "k": 3, "exclude_self": True} in asked and len(asked) == 100


def test_what_met_a_busy_server_is_asked_again_by_itself() -> None:
    busy = {"type": "/api/problems/busy", "title": "Server busy", "status": 503, "detail": "come again"}
    first = gives({"results": [{"search": {"id": 0}}, {"problem": busy}, {"search": {"id": 4}}]})
    server = Server(first, finds)
    assert [told(one) for one in server.client().searches.many([0, 2, 4], datasets=[1])] == [0, 2, 4]
    assert [search["image_id"] for search in json.loads(server.requests[1].content)["searches"]] == [2]
    assert len(server.slept) == 1


def test_a_server_that_stays_busy_is_not_asked_for_ever() -> None:
    busy = {"type": "/api/problems/busy", "title": "Server busy", "status": 503, "detail": "come again"}
    server = Server(gives({"results": [{"problem": busy}]}))
    [found] = server.client().searches.many([2], datasets=[1])
    assert isinstance(found, Busy) and len(server.requests) == len(server.slept) + 1


@pytest.mark.parametrize(
    ("met", "slug"),
    [
        (refuses(502, "bad-gateway"), "bad-gateway"),
        (refuses(503, "busy"), "busy"),
        (refuses(429, "throttled"), "throttled"),
        (refuses(401, "not-signed-in"), "not-signed-in"),
        (httpx.ReadError("reset"), "unreachable"),
    ],
    ids=["502", "503", "429", "401", "silence"],
)
def test_what_was_answered_stays_when_asking_again_fails(met: httpx.Response | Exception, slug: str) -> None:
    busy = {"type": "/api/problems/busy", "title": "Server busy", "status": 503, "detail": "come again"}
    first = gives({"results": [{"search": {"id": 0}}, {"problem": busy}, {"search": {"id": 4}}, {"problem": busy}]})
    server = Server(first, met)
    found: list[Any] = list(server.client(retries=1).searches.many([0, 2, 4, 6], datasets=[1]))
    assert [one.slug if isinstance(one, Problem) else one["id"] for one in found] == [0, slug, 4, slug]
    assert len(server.requests) <= 3


def test_files_ids_and_addresses_may_be_mixed(tmp_path: Path) -> None:
    (tmp_path / "owl.jpg").write_bytes(b"owl")
    (tmp_path / "jay.jpg").write_bytes(b"jay")
    server = Server(finds)
    owl, gone, jay = (tmp_path / f"{name}.jpg" for name in ("owl", "gone", "jay"))
    pictures = [2, owl, gone, str(jay), "https://x.test/1", {"id": 4}]
    found = list(server.client().searches.many(pictures, datasets=[1], filters={"splits": ["train"]}))
    assert isinstance(found[2], Problem) and "gone.jpg" in found[2].detail and found[2].slug == "unreadable-file"
    assert [told(one) for one in found[:2] + found[3:]] == [2, "owl.jpg", "jay.jpg", "url", 4]
    assert len(server.requests) == 3 and all(b'"splits"' in request.content for request in server.requests)


def test_pictures_are_read_as_far_as_they_are_looked_at() -> None:
    read: list[int] = []

    def pictures() -> Iterator[int]:
        for number in range(0, 100_000, 2):
            read.append(number)
            yield number

    found = Server(finds).client().searches.many(pictures(), datasets=[1], workers=2)
    assert next(found)["id"] == 0
    assert len(read) <= 6 * MOST_SEARCHES
    found.close()


def test_a_batch_that_fails_leaves_the_others() -> None:
    server = Server(finds, refuses(500, "error"), finds)
    found = list(server.client().searches.many(range(0, 6 * MOST_SEARCHES, 2), datasets=[1], workers=1))
    assert [isinstance(one, Problem) for one in found] == sum(
        ([failed] * MOST_SEARCHES for failed in (False, True, False)), []
    )


def test_one_silence_is_told_in_place_and_two_end_it() -> None:
    server = Server(httpx.ReadError("reset"), finds)
    found = list(server.client().searches.many(range(0, 4 * MOST_SEARCHES, 2), datasets=[1], workers=1))
    assert [isinstance(one, Problem) for one in found] == [True] * MOST_SEARCHES + [False] * MOST_SEARCHES
    with pytest.raises(Unreachable):
        list(Server(httpx.ReadError("reset")).client().searches.many(range(100), datasets=[1], workers=1))


def test_a_token_that_opens_nothing_ends_it() -> None:
    with pytest.raises(Unauthenticated):
        list(Server(refuses(401)).client().searches.many(range(100), datasets=[1]))


def test_what_is_done_at_once_is_bounded_and_in_order() -> None:
    at_work, most, lock = 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        threading.Event().wait(0.002 * (number % 3))
        with lock:
            at_work -= 1
        return number

    assert list(in_order(work, range(50), workers=3)) == list(range(50))
    assert most <= 3


def test_the_first_failure_ends_the_rest() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(in_order(work, range(1000), workers=2))
    assert len(begun) < 20


def test_nobody_to_work_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        list(in_order(str, [1], workers=0))
