"""Lists come in pages that one can walk while things come and go."""

from base64 import b64encode

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job

pytestmark = pytest.mark.services

JOBS = "/api/v1/jobs/"


@pytest.fixture
def five(member: User) -> list[int]:
    return [Job.objects.create(kind="none", owner=member).pk for _ in range(5)]


def test_pages_follow_each_other_newest_first(member_api: APIClient, five: list[int]) -> None:
    first = member_api.get(JOBS, {"limit": 2}).json()
    second = member_api.get(first["next"]).json()
    third = member_api.get(second["next"]).json()
    assert [row["id"] for page in (first, second, third) for row in page["results"]] == five[::-1]
    assert third["next"] is None and first["previous"] is None
    assert member_api.get(second["previous"]).json()["results"] == first["results"]


def test_what_comes_meanwhile_shifts_no_page(member_api: APIClient, member: User, five: list[int]) -> None:
    first = member_api.get(JOBS, {"limit": 2}).json()
    Job.objects.create(kind="none", owner=member)
    assert [row["id"] for row in member_api.get(first["next"]).json()["results"]] == five[2:0:-1]


def test_things_of_one_moment_are_all_shown_once(member_api: APIClient, five: list[int]) -> None:
    Job.objects.update(created_at="2026-05-04T09:30:00Z")
    seen, address = [], f"{JOBS}?limit=2"
    while address:
        page = member_api.get(address).json()
        seen, address = [*seen, *(row["id"] for row in page["results"])], page["next"]
    assert sorted(seen) == five


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1000000", "9" * 30, "ten", "", "1.5", "²"])
def test_a_page_size_out_of_range_is_refused(member_api: APIClient, limit: str) -> None:
    answer = member_api.get(JOBS, {"limit": limit})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "limit"


@pytest.mark.parametrize("cursor", ["nonsense", b64encode(b"p=yesterday").decode(), b64encode(b"o=-1").decode(), "%00"])
def test_a_cursor_of_ones_own_making_is_refused(member_api: APIClient, five: list[int], cursor: str) -> None:
    answer = member_api.get(JOBS, {"cursor": cursor})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "cursor"
