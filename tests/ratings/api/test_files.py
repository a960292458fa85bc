import csv
import io
import json
import uuid
import zipfile

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from retrieval.models import Search
from retrieval.search.services.marks import mark
from tests.conftest import api_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def address(search: Search, suffix: str) -> str:
    return f"/api/v1/searches/{search.pk}/results/{suffix}/"


def body(api: APIClient, search: Search, suffix: str, kind: str) -> bytes:
    answer = api.get(address(search, suffix), headers={"Accept": kind})
    assert answer.status_code == 200 and answer["Content-Type"].startswith(kind)
    assert f"{str(search.pk)[:8]}.{suffix}" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]


@pytest.fixture
def search(world: World, member: User) -> Search:
    """A search whose second answer was said to be what was meant."""
    asked: Search = world.ask(member)
    ranking = asked.rankings.all()[0]
    mark(member, ranking, ranking.image_ids[1], 2)
    return asked


def test_the_answers_are_kept_with_what_one_said_of_them(member_api: APIClient, search: Search) -> None:
    rows = list(csv.DictReader(io.StringIO(body(member_api, search, "csv", "text/csv").decode(), newline="")))
    said = json.loads(body(member_api, search, "json", "application/json"))
    assert [row["mark"] for row in rows] == ["" if row["mark"] is None else str(row["mark"]) for row in said["results"]]
    assert [row["mark"] for row in rows][:2] == ["", "2"] and said["exclude_self"] is True
    archive = zipfile.ZipFile(io.BytesIO(body(member_api, search, "zip", "application/zip")))
    assert {"query.jpg", "results.csv", "LICENCE.txt"} < set(archive.namelist())


def test_they_are_their_owners_alone(curator: User, search: Search) -> None:
    for suffix in ("csv", "json", "zip"):
        assert APIClient().get(address(search, suffix)).status_code == 401
        assert api_of(curator).get(address(search, suffix)).status_code == 404


def test_there_is_no_other_form_and_no_other_search(member_api: APIClient, search: Search) -> None:
    for suffix in ("exe", "CSV", "c%00v"):
        assert member_api.get(address(search, suffix)).status_code == 404
    for key in (uuid.UUID(int=0), "x", "-" * 36):
        assert member_api.get(f"/api/v1/searches/{key}/results/csv/").status_code == 404
