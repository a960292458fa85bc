"""Nothing that a person was sent lies about in caches."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
NEVER = "private, no-store"


@pytest.mark.parametrize("path", ["/api/v1/me/", "/api/v1/me/export/", "/api/v1/searches/", "/api/v1/marks/"])
def test_personal_answers_are_stored_nowhere(member_api: APIClient, member_client: Client, path: str) -> None:
    assert member_api.get(path)["Cache-Control"] == NEVER
    assert member_client.get(path)["Cache-Control"] == NEVER


@pytest.mark.parametrize("path", ["/", "/searches/", "/me/security/", "/me/data/"])
def test_pages_of_a_session_are_stored_nowhere(member_client: Client, path: str) -> None:
    assert "no-store" in member_client.get(path)["Cache-Control"]


def test_refusals_too(member_client: Client) -> None:
    assert member_client.get("/searches/00000000-0000-4000-8000-000000000000/")["Cache-Control"] == NEVER


def test_what_everybody_gets_may_be_stored(client: Client) -> None:
    assert not client.get("/algorithms/").has_header("Cache-Control")
    assert "max-age" in client.get("/static/kindred/site.css")["Cache-Control"]
