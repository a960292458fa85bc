import csv
import io
import json
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from retrieval.models import Search
from retrieval.search.services.marks import mark
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def address(search: Search, suffix: str) -> str:
    return reverse("search-results", args=[search.pk, suffix])


def body(client: Client, search: Search, suffix: str) -> bytes:
    answer = client.get(address(search, suffix))
    assert answer.status_code == 200 and answer["X-Content-Type-Options"] == "nosniff"
    name = f"kindred-{search.created_at:%Y-%m-%d}-{str(search.pk)[:8]}.{suffix}"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.fixture
def search(world: World, member: User) -> Search:
    """A search whose second result is marked as exactly this."""
    asked: Search = world.ask(member)
    ranking = asked.rankings.all()[0]
    mark(member, ranking, ranking.image_ids[1], 2)
    return asked


def test_the_answers_come_with_what_one_said_of_them(member_client: Client, search: Search) -> None:
    rows = list(csv.DictReader(io.StringIO(body(member_client, search, "csv").decode(), newline="")))
    assert [row["mark"] for row in rows] == ["", "2", "", "", "", ""]
    value = json.loads(body(member_client, search, "json"))
    assert [row["mark"] for row in value["results"]] == [None, 2, None, None, None, None]
    archive = zipfile.ZipFile(io.BytesIO(body(member_client, search, "zip")))
    assert [row["mark"] for row in csv.DictReader(io.TextIOWrapper(archive.open("results.csv")))][1] == "2"


def test_the_answers_page_offers_them(member_client: Client, search: Search) -> None:
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert all(address(search, suffix) in text for suffix in ("csv", "json", "zip"))


def test_they_are_their_owners_alone(client: Client, curator_client: Client, search: Search) -> None:
    for suffix in ("csv", "json", "zip"):
        assert client.get(address(search, suffix)).status_code == 302
        assert curator_client.get(address(search, suffix)).status_code == 404


def test_a_shared_search_offers_none_to_its_visitors(client: Client, search: Search) -> None:
    Search.objects.update(share_token="x" * 43)
    text = client.get(reverse("shared", args=["x" * 43])).content.decode()
    assert address(search, "csv") not in text and "search-save" not in text and "/save" not in text


def test_there_is_no_other_format(member_client: Client, search: Search) -> None:
    assert member_client.get(address(search, "exe")).status_code == 404
