import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from config.api.problems import PROBLEMS, TYPES_URL, type_of
from jobs import services
from tests.conftest import proven

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


def test_a_refused_field_is_named(member_client: Client) -> None:
    answer = proven(member_client).post("/api/v1/tokens/", {"expires_in_days": 0}, content_type="application/json")
    assert answer.status_code == 400 and answer["Content-Type"] == PROBLEM
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("/api/problems/invalid", 400)
    assert problem["title"] == PROBLEMS["invalid"].title and problem["request_id"] == answer["X-Request-ID"]
    assert {error["field"] for error in problem["errors"]} == {"name", "expires_in_days"}
    assert "name: This field is required." in problem["detail"]


def test_what_is_not_there_is_a_problem_too(member_api: APIClient) -> None:
    for address in ("/api/v1/jobs/404/", "/api/v1/nothing/here", "/api/"):
        answer = member_api.get(address)
        assert (answer.status_code, answer["Content-Type"], answer.json()["status"]) == (404, PROBLEM, 404)
    assert "/api/v1/nothing/here" in member_api.get("/api/v1/nothing/here").json()["detail"]


def test_who_is_not_signed_in_is_told_how(client: Client) -> None:
    answer = client.get("/api/v1/jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
    assert answer["WWW-Authenticate"] == "Token"


def test_malformed_json_is_a_problem(member_api: APIClient) -> None:
    answer = member_api.patch("/api/v1/me/", data="{", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


def test_a_crash_is_a_problem_that_tells_no_secret(member_api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(user: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(services, "visible_jobs", crash)
    member_api.raise_request_exception = False
    answer = member_api.get("/api/v1/jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert "hunter2" not in answer.content.decode()


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_address_of_a_type_leads_to_what_it_means(client: Client, name: str) -> None:
    answer = client.get(f"{TYPES_URL}{name}", follow=True)
    assert answer.status_code == 200 and f'id="{name}"' in answer.content.decode()
    assert answer.redirect_chain == [(f"{TYPES_URL}#{name}", 302)]


def test_there_is_no_other_type(client: Client) -> None:
    assert client.get(f"{TYPES_URL}misfortune").status_code == 404


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (400, "required", "invalid"),
        (400, "parse_error", "malformed"),
        (401, "not_authenticated", "unauthenticated"),
        (401, "authentication_failed", "invalid-token"),
        (403, "permission_denied", "forbidden"),
        (403, "read_only_token", "read-only-token"),
        (403, "second_factor_required", "second-factor-required"),
        (404, "not_found", "not-found"),
        (405, "method_not_allowed", "method-not-allowed"),
        (406, "not_acceptable", "not-acceptable"),
        (409, "conflict", "conflict"),
        (409, "nothing-searchable", "nothing-searchable"),
        (412, "stale", "stale"),
        (413, "too-large", "too-large"),
        (415, "unsupported_media_type", "unsupported-media-type"),
        (422, "idempotency-key-reused", "idempotency-key-reused"),
        (429, "throttled", "throttled"),
        (500, "error", "error"),
        (503, "busy", "busy"),
    ],
)
def test_every_error_has_its_type(status: int, code: str, name: str) -> None:
    assert type_of(status, code) == name


def test_what_django_refuses_to_read_is_too_large(member_api: APIClient, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = member_api.patch("/api/v1/me/", {"display_name": "a name longer than that"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/api/problems/too-large")


@pytest.mark.parametrize(
    "body", ['{"\\ud800": 1}', '{"display_name": "a", "\\ud800": 1}', '{"display_name": "\\ud800"}']
)
def test_half_a_character_is_told_of_and_breaks_nothing(member_api: APIClient, body: str) -> None:
    answer = member_api.patch("/api/v1/me/", body, content_type="application/json")
    assert answer.status_code == 400 and answer["Content-Type"] == PROBLEM and answer.json()["errors"]
