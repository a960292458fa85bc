import pytest
from django.test import Client
from rest_framework.test import APIClient

from jobs import services

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


def test_a_refused_field_is_named(member_api: APIClient) -> None:
    answer = member_api.post("/api/v1/tokens/", {"expiry_days": 0})
    assert answer.status_code == 400 and answer["Content-Type"] == PROBLEM
    problem = answer.json()
    assert (problem["title"], problem["status"], problem["type"]) == ("Bad Request", 400, "about:blank")
    assert {error["field"] for error in problem["errors"]} == {"name", "expiry_days"}
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
    answer = member_api.post("/api/v1/tokens/", data="{", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


def test_a_crash_is_a_problem_that_tells_no_secret(member_api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(user: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(services, "visible_jobs", crash)
    member_api.raise_request_exception = False
    answer = member_api.get("/api/v1/jobs/")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
    assert "hunter2" not in answer.content.decode()


def test_a_page_holds_at_most_a_thousand(member_api: APIClient) -> None:
    body = member_api.get("/api/v1/jobs/?limit=5000&offset=-3").json()
    assert body["results"] == [] and body["count"] == 0
