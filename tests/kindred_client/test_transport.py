import httpx
import pytest

from kindred_client import Busy, Kindred, KindredError, Problem, ServerFault, Throttled, Unreachable
from tests.kindred_client.scripted import JOB, Server, gives, refuses

LOST = httpx.ReadError("connection reset")
NEVER_SENT = httpx.ConnectError("refused")


def test_the_token_goes_with_every_request_and_is_never_shown() -> None:
    server = Server(gives({"id": 1}))
    kindred = server.client()
    kindred.datasets.get(1)
    assert server.requests[0].headers["Authorization"] == "Token kin_secret"
    assert str(server.requests[0].url) == "http://kindred.test/api/v1/datasets/1/"
    assert "kin_secret" not in repr(kindred)


@pytest.mark.parametrize("url", ["http://here:8000", "http://here:8000/", "http://here:8000/api/v1/"])
def test_a_url_may_end_with_that_of_the_api(url: str) -> None:
    assert repr(Kindred(url)) == "Kindred('http://here:8000/api/v1')"


@pytest.mark.parametrize("url", ["here:8000", "ftp://here", "https://", ""])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(KindredError, match="http"):
        Kindred(url)


@pytest.mark.parametrize("trouble", [LOST, NEVER_SENT, refuses(429), refuses(502), refuses(503), refuses(504)], ids=str)
def test_reading_is_tried_again(trouble: httpx.Response | Exception) -> None:
    server = Server(trouble, trouble, gives({"id": 1}))
    assert server.client().datasets.get(1) == {"id": 1}
    assert len(server.requests) == 3


def test_pauses_double_and_are_never_alike() -> None:
    server = Server(LOST)
    with pytest.raises(Unreachable, match="no answer after 5 tries"):
        server.client(retries=4).datasets.get(1)
    assert len(server.slept) == 4
    for attempt, pause in enumerate(server.slept):
        assert 0.25 * 2**attempt <= pause <= 0.5 * 2**attempt
    assert len(set(server.slept)) == 4


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0)])
def test_the_pause_is_the_one_the_server_asks_for(asked: str, waited: float) -> None:
    server = Server(refuses(503, headers={"Retry-After": asked}), gives({"id": 1}))
    server.client().datasets.get(1)
    assert server.slept == [waited]


def test_who_asks_to_come_again_tomorrow_is_not_waited_for() -> None:
    server = Server(refuses(429, "throttled", headers={"Retry-After": "86400"}))
    with pytest.raises(Throttled) as caught:
        server.client().datasets.get(1)
    assert caught.value.retry_after == 86400
    assert server.slept == []


def test_a_refusal_is_raised_when_the_retries_are_used_up() -> None:
    server = Server(refuses(503, "busy"))
    with pytest.raises(Busy):
        server.client(retries=2).datasets.get(1)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 422, 500])
def test_other_refusals_are_not_tried_again(status: int) -> None:
    server = Server(refuses(status))
    with pytest.raises(Problem):
        server.client().datasets.get(1)
    assert len(server.requests) == 1


def test_a_post_that_starts_a_job_is_sent_again_with_the_same_key() -> None:
    server = Server(LOST, refuses(502), gives(JOB, 202))
    assert server.client().datasets.create("Birds", source="birds")["id"] == 7
    keys = [request.headers["Idempotency-Key"] for request in server.requests]
    assert len(keys) == 3 and len(set(keys)) == 1 and len(keys[0]) >= 32


def test_each_call_has_a_key_of_its_own() -> None:
    server = Server(gives(JOB, 202))
    kindred = server.client()
    kindred.datasets.create("Birds", source="birds")
    kindred.datasets.create("Birds", source="birds")
    assert len({request.headers["Idempotency-Key"] for request in server.requests}) == 2


@pytest.mark.parametrize("trouble", [LOST, httpx.ReadTimeout("slow"), refuses(502), refuses(504)], ids=str)
def test_another_post_is_not_sent_twice_when_it_may_have_arrived(trouble: httpx.Response | Exception) -> None:
    server = Server(trouble, gives({"id": 1}, 201))
    with pytest.raises((Unreachable, ServerFault)):
        server.client().uploads.create()
    assert len(server.requests) == 1
    assert "Idempotency-Key" not in server.requests[0].headers


@pytest.mark.parametrize("trouble", [NEVER_SENT, httpx.ConnectTimeout("slow"), refuses(429), refuses(503)], ids=str)
def test_another_post_is_sent_again_when_nothing_was_done(trouble: httpx.Response | Exception) -> None:
    server = Server(trouble, gives({"id": 1}, 201))
    assert server.client().uploads.create()["id"] == 1
    assert len(server.requests) == 2


def test_files_of_an_upload_are_sent_again_whole() -> None:
    server = Server(LOST, gives({"stored": []}))
    server.client().uploads.send("u", {"owls/1.jpg": b"one", "owls/2.jpg": b"two"})
    first, second = server.requests
    for word in (b"one", b"two", b"owls/1.jpg", b"owls/2.jpg"):
        assert word in first.content and word in second.content


def test_a_change_tied_to_a_version_is_not_sent_twice() -> None:
    server = Server(LOST, gives({"id": 1}))
    with pytest.raises(Unreachable, match="whether it was done is unknown"):
        server.client().datasets.update(1, licence="CC0", if_match='"v1"')
    assert server.requests[0].headers["If-Match"] == '"v1"'
    server = Server(LOST, gives({"id": 1}))
    server.client().datasets.update(1, licence="CC0")
    assert len(server.requests) == 2


def test_a_redirect_is_told_and_not_followed() -> None:
    server = Server(httpx.Response(301, headers={"Location": "https://elsewhere.test/"}))
    with pytest.raises(Problem, match=r"moved to https://elsewhere\.test/"):
        server.client().datasets.get(1)
    assert len(server.requests) == 1
