import pytest
from django.http import HttpResponse
from django.test import Client

pytestmark = pytest.mark.django_db


def policy_of(answer: HttpResponse) -> dict[str, str]:
    """Return the content security policy as directive -> sources; their order in the header is arbitrary."""
    rules = answer.headers["Content-Security-Policy"].split(";")
    return dict(rule.strip().split(" ", 1) for rule in rules)


def test_every_page_has_the_strict_policy(client: Client) -> None:
    rules = policy_of(client.get("/accounts/login/"))
    assert rules["default-src"] == rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["img-src"] == "'self' data: blob:" and rules["frame-ancestors"] == "'none'"


def test_only_the_api_docs_may_style_inline(client: Client) -> None:
    answer = client.get("/api/docs/")
    rules = policy_of(answer)
    assert rules["style-src"] == "'self' 'unsafe-inline'" and rules["script-src"] == "'self'"
    page = answer.content.decode()
    assert "https://" not in page and "<script>" not in page


def test_the_schema_describes_problems_and_tokens(client: Client) -> None:
    schema = client.get("/api/schema/?format=json").json()
    assert "Problem" in schema["components"]["schemas"] and "token" in schema["components"]["securitySchemes"]
    answers = schema["paths"]["/api/v1/jobs/{id}/cancel/"]["post"]["responses"]
    assert set(answers) == {"202", "400", "401", "403", "404", "406", "409", "412", "429"}


def test_static_files_are_served_without_collecting_them(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert client.get("/static/django_htmx/htmx-2.min.js").status_code == 200


def test_crawlers_leave_shared_and_personal_pages_alone(client: Client) -> None:
    answer = client.get("/robots.txt")
    lines = answer.content.decode().splitlines()
    assert answer["Content-Type"] == "text/plain" and lines[0] == "User-agent: *"
    assert {"Disallow: /shared/", "Disallow: /searches/", "Disallow: /me/"} <= set(lines)
    assert "Disallow: /" not in lines
