from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services
from accounts.models import ApiToken, User
from tests.conftest import api_of

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_token_opens_the_api_and_its_use_is_noted(member: User) -> None:
    assert api_of(member).get("/api/v1/jobs/").status_code == 200
    assert ApiToken.objects.get().last_used_at is not None


@pytest.mark.parametrize("header", ["Token", "Token kin_wrong", "Token a b", "Token kin_\u00e4"])
def test_a_wrong_token_is_a_problem_and_no_crash(header: str, db: None) -> None:
    answer = APIClient().get("/api/v1/jobs/", HTTP_AUTHORIZATION=header.encode().decode("latin-1"))
    assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"


def test_an_expired_token_is_refused(member: User) -> None:
    api = api_of(member, lifetime=timedelta(days=1))
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert api.get("/api/v1/jobs/").status_code == 401


def test_a_revoked_token_is_refused(member: User) -> None:
    api = api_of(member)
    services.revoke_token(ApiToken.objects.get(), by=member)
    assert api.get("/api/v1/jobs/").status_code == 401


def test_the_token_of_an_inactive_account_is_refused(member: User) -> None:
    api = api_of(member)
    User.objects.update(is_active=False)
    assert api.get("/api/v1/jobs/").status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_read_only_token_may_not_write(member: User, method: str) -> None:
    answer = getattr(api_of(member, read_only=True), method)("/api/v1/tokens/")
    assert answer.status_code == 403 and "'tests' is read-only" in answer.json()["detail"]


def test_a_session_writes_only_with_its_csrf_token(member: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(member)
    assert browser.get("/api/v1/jobs/").status_code == 200
    assert browser.post("/api/v1/tokens/", {"name": "x"}, content_type="application/json").status_code == 403
    assert not ApiToken.objects.exists()
