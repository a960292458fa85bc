"""Odd data never breaks a page: every name is escaped, answers stay small, and queries stay few."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.conftest import signed_in
from tests.odd_site import OddSite, odd_site, pages_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

MOST_BYTES = 300_000
MOST_QUERIES = 60


@pytest.fixture
def odd(world: World, curator: User) -> OddSite:
    return odd_site(world, curator)


def test_pages_of_odd_data_are_whole_small_and_of_few_queries(odd: OddSite, curator: User, client: Client) -> None:
    faults, visitor = [], client
    client = signed_in(curator)
    for name, address in pages_of(odd).items():
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        text = answer.content.decode()
        if answer.status_code != 200:
            faults.append(f"{name}: status {answer.status_code}")
        if len(answer.content) > MOST_BYTES:
            faults.append(f"{name}: {len(answer.content)} bytes")
        if len(queries) > MOST_QUERIES:
            faults.append(f"{name}: {len(queries)} queries")
        if "<script>alert" in text or '<b title="y">' in text:
            faults.append(f"{name}: a name is not escaped")
        if len(re.findall(r"<h1\b", text)) != 1 or "</html>" not in text:
            faults.append(f"{name}: not one heading, or cut off")
        if visitor.get(address).status_code >= 500:
            faults.append(f"{name}: a visitor gets a fault")
    assert faults == []
