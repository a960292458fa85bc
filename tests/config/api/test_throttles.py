"""How many requests are answered."""

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from accounts.models import User
from tests.conftest import api_of

pytestmark = pytest.mark.services

ME, LOSSES = "/api/v1/me/", "/api/v1/leaderboard/"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        SimpleRateThrottle, "THROTTLE_RATES", {"person": "2/min", "visitor": "1/min", "address": "3/min"}
    )


def test_a_person_is_asked_to_wait(few: None, member_api: APIClient) -> None:
    answers = [member_api.get(ME) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert answers[2].json()["type"] == "/api/problems/throttled"


def test_a_person_with_two_tokens_is_one_person(few: None, member: User) -> None:
    assert [api_of(member).get(ME).status_code for _ in range(3)] == [200, 200, 429]


def test_an_address_with_many_accounts_is_one_address(few: None, member: User, other_member: User) -> None:
    senders = [api_of(person) for person in (member, other_member)]
    assert [senders[turn % 2].get(ME).status_code for turn in range(4)] == [200, 200, 200, 429]


def test_visitors_are_counted_by_their_address(few: None, db: None) -> None:
    assert [APIClient().get(LOSSES).status_code for _ in range(2)] == [200, 429]
    assert APIClient().get(LOSSES, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_the_count_is_in_the_cache_that_processes_share(few: None, member_api: APIClient) -> None:
    for _ in range(3):
        member_api.get(ME)
    cache.clear()
    assert member_api.get(ME).status_code == 200
