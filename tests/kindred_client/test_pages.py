from itertools import islice

import httpx
import pytest

from kindred_client.pages import cursor_in
from tests.kindred_client.scripted import Server, gives


def three_pages(request: httpx.Request) -> httpx.Response:
    cursor = int(request.url.params.get("cursor", "0"))
    following = f"http://elsewhere.test/steal?cursor={cursor + 1}&limit=2" if cursor < 2 else None
    rows = [{"id": 2 * cursor, "job": {"state": "queued"}}, {"id": 2 * cursor + 1, "job": {"state": "failed"}}]
    return gives({"next": following, "previous": None, "results": rows})


def test_a_list_is_walked_to_its_end() -> None:
    server = Server(three_pages)
    assert [row["id"] for row in server.client().datasets.list(limit=2)] == [0, 1, 2, 3, 4, 5]
    assert [request.url.params["limit"] for request in server.requests] == ["2", "2", "2"]


def test_a_page_is_read_when_it_is_looked_at() -> None:
    server = Server(three_pages)
    rows = server.client().datasets.list()
    assert not server.requests
    assert len(list(islice(rows, 3))) == 3
    assert len(server.requests) == 2


def test_the_token_goes_nowhere_that_an_answer_names() -> None:
    server = Server(three_pages)
    list(server.client().datasets.list())
    assert {request.url.host for request in server.requests} == {"kindred.test"}


def test_a_list_may_be_walked_again() -> None:
    rows = Server(three_pages).client().datasets.list()
    assert list(rows) == list(rows)


def test_the_first_of_a_list_may_be_none() -> None:
    assert Server(gives({"next": None, "results": []})).client().jobs.list().first() is None


def test_a_list_is_a_table_of_flat_rows() -> None:
    table = Server(three_pages).client().datasets.list().table()
    assert table.columns == ["id", "job.state"]
    assert table[5] == {"id": 5, "job.state": "failed"}


@pytest.mark.parametrize(("url", "cursor"), [(None, ""), ("http://x/?a=1", ""), ("http://x/?cursor=cD0%3D", "cD0=")])
def test_the_cursor_is_taken_from_the_address(url: str | None, cursor: str) -> None:
    assert cursor_in(url) == cursor
