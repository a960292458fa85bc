import httpx
import pytest

from kindred_client import (
    Busy,
    Conflict,
    Forbidden,
    IdempotencyKeyReused,
    Invalid,
    NotFound,
    Problem,
    ServerFault,
    Stale,
    Throttled,
    TooLarge,
    Unauthenticated,
)
from tests.kindred_client.scripted import Server, refuses


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (406, Problem),
        (409, Conflict),
        (412, Stale),
        (413, TooLarge),
        (422, IdempotencyKeyReused),
        (429, Throttled),
        (500, ServerFault),
        (503, Busy),
    ],
)
def test_each_status_has_an_exception_of_its_own(status: int, kind: type[Problem]) -> None:
    with pytest.raises(Problem) as caught:
        Server(refuses(status, "some-slug", request_id="r-1")).client(retries=0).jobs.get(1)
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.slug, caught.value.detail) == (status, "some-slug", "not so")
    assert caught.value.request_id == "r-1"


def test_a_problem_names_the_field_that_was_refused() -> None:
    errors = [{"field": "licence", "code": "blank", "detail": "say what it is"}]
    with pytest.raises(Invalid, match=r"No \(400\): licence: say what it is") as caught:
        Server(refuses(400, errors=errors)).client().datasets.update(1, licence="")
    assert caught.value.fields == {"licence": "say what it is"}
    assert caught.value.errors[0].code == "blank"


@pytest.mark.parametrize("body", [b"<h1>Bad gateway</h1>", b"[]", b"{}", b""])
def test_a_page_of_a_proxy_is_a_problem_too(body: bytes) -> None:
    answer = httpx.Response(502, content=body, headers={"X-Request-ID": "r-2"})
    with pytest.raises(ServerFault) as caught:
        Server(answer).client(retries=0).jobs.get(1)
    assert caught.value.status == 502
    assert caught.value.request_id == "r-2"
