from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import services
from accounts.errors import AccountError
from accounts.models import User
from accounts.roles import is_admin, is_curator, is_member
from jobs.models import Job
from tests.accounts.security.factors import with_second_factor
from tests.conftest import api_of, signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("asked", "curators", "admins"), [("none", True, True), ("admins", True, False), ("curators", False, False)]
)
def test_who_needs_a_second_factor_and_has_none_may_do_what_members_may(
    settings: Settings, curator: User, admin: User, member: User, asked: str, curators: bool, admins: bool
) -> None:
    settings.REQUIRE_2FA = asked
    assert (is_curator(curator), is_curator(admin), is_admin(admin)) == (curators, admins, admins)
    assert all(is_member(user) for user in (member, curator, admin))
    for user in (curator, admin):
        with_second_factor(user)
    assert is_curator(curator) and is_curator(admin) and is_admin(admin) and not is_curator(member)


@pytest.mark.parametrize("address", ["/lab/", "/lab/jobs/", "/lab/audit/", "/lab/import/"])
def test_a_curator_is_sent_to_set_one_up_before_any_page_of_the_lab(
    settings: Settings, curator: User, address: str
) -> None:
    settings.REQUIRE_2FA = "curators"
    client = signed_in(curator)
    answer = client.get(address, follow=True)
    assert answer.redirect_chain == [("/me/security/", 302)]
    assert "requires a second factor" in answer.content.decode() and 'href="/lab/"' not in answer.content.decode()
    assert client.get("/me/tokens/").status_code == 200
    with_second_factor(curator)
    assert client.get(address).status_code == 200


def test_a_curator_cannot_do_by_post_what_needs_one(settings: Settings, curator: User, member: User) -> None:
    settings.REQUIRE_2FA = "curators"
    job = Job.objects.create(kind="kind", owner=member)
    assert signed_in(curator).post(f"/jobs/{job.pk}/cancel").status_code == 404
    job.refresh_from_db()
    assert job.state == "queued"


def test_an_admin_is_sent_to_set_one_up_before_the_admin_site(settings: Settings, admin: User) -> None:
    settings.REQUIRE_2FA = "admins"
    client = signed_in(admin)
    for address in ("/admin/", "/admin/accounts/user/", "/admin/login/"):
        assert client.get(address, follow=True).redirect_chain[-1][0] == "/me/security/"
    with_second_factor(admin)
    assert client.get("/admin/accounts/user/").status_code == 200


@pytest.mark.parametrize("way", ["token", "session"])
def test_the_api_refuses_them_with_a_problem(settings: Settings, curator: User, way: str) -> None:
    settings.REQUIRE_2FA = "curators"
    client: Any = api_of(curator) if way == "token" else signed_in(curator)
    answer = client.get("/api/v1/indexes/")
    assert answer.status_code == 403 and answer["Content-Type"] == "application/problem+json"
    assert (
        answer.json()["type"] == "/api/problems/second-factor-required" and "/me/security/" in answer.json()["detail"]
    )
    assert client.get("/api/v1/me/").status_code == 200, "what a member may do, they may"
    with_second_factor(curator)
    assert client.get("/api/v1/indexes/").status_code == 200


def test_a_member_is_told_that_it_is_the_role_that_lacks(settings: Settings, member: User) -> None:
    settings.REQUIRE_2FA = "curators"
    assert api_of(member).get("/api/v1/indexes/").json()["type"] == "/api/problems/forbidden"
    assert signed_in(member).get("/lab/").status_code == 403


def test_the_last_admin_stays_admin_though_the_second_factor_lacks(settings: Settings, admin: User) -> None:
    settings.REQUIRE_2FA = "admins"
    with pytest.raises(AccountError, match="is the only admin"):
        services.set_role(admin, "member")


def test_a_visitor_is_not_asked_for_a_second_factor(settings: Settings, client: Client) -> None:
    settings.REQUIRE_2FA = "curators"
    assert client.get("/lab/").headers["Location"].startswith("/accounts/login/")
    assert client.get("/accounts/login/").status_code == 200
