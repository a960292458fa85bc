import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from accounts.roles import role_of
from tests.accounts.security.factors import with_second_factor
from tests.conftest import person as new_person
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db
ACTIONS = ("role", "deactivate", "reactivate", "invite", "second-factor")


def test_people_are_managed_by_admins_only(client: Client, curator: User, member: User) -> None:
    for address in ("/lab/people/", "/lab/people/invite/", f"/lab/people/{member.pk}/"):
        assert client.get(address).headers["Location"].startswith("/accounts/login/")
        assert signed_in(member).get(address).status_code == 403
        assert signed_in(curator).get(address).status_code == 403
    for action in ACTIONS:
        assert signed_in(curator).post(f"/lab/people/{member.pk}/{action}", {"role": "admin"}).status_code == 403
    assert role_of(User.objects.get(pk=member.pk)) == "member"


def test_the_list_shows_role_state_and_last_seen(admin_client: Client, admin: User, curator: User) -> None:
    User.objects.filter(pk=curator.pk).update(is_active=False)
    page = admin_client.get("/lab/people/").content.decode()
    assert "cora@example.org" in page and "deactivated" in page and "never" in page
    assert re.search(r'data-label="Role"><span>curator', page), "who was deactivated keeps the role"
    assert "No people match" in admin_client.get("/lab/people/?text=zzz").content.decode()
    page = admin_client.get("/lab/people/?role=admin").content.decode()
    assert "ada@example.org" in page and "cora@example.org" not in page


def test_a_long_list_asks_the_database_no_more_often(
    admin_client: Client, admin: User, django_assert_max_num_queries: object
) -> None:
    admin_client.get("/lab/people/")
    for number in range(20):
        new_person(f"p{number}", "curator")
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert "p19@example.org" in admin_client.get("/lab/people/").content.decode()


def test_who_lacks_the_second_factor_is_seen(
    settings: Settings, admin: User, admin_client: Client, curator: User
) -> None:
    settings.REQUIRE_2FA = "curators"
    with_second_factor(admin)
    assert "no second factor" in admin_client.get("/lab/people/?text=cora").content.decode()
    assert "the role has no effect" in admin_client.get(f"/lab/people/{curator.pk}/").content.decode()


def test_somebody_is_invited_and_the_form_says_what_is_wrong(admin_client: Client) -> None:
    form = {"email": "nora@example.org", "display_name": "", "role": "curator"}
    answer = admin_client.post("/lab/people/invite/", form)
    person = User.objects.get(email="nora@example.org")
    assert answer.headers["Location"] == f"/lab/people/{person.pk}/"
    assert "http://testserver/accounts/password/reset/key/" in mail.outbox[0].body
    page = admin_client.get(f"/lab/people/{person.pk}/").content.decode()
    assert "Resend invitation" in page and "invite person" in page
    admin_client.post(f"/lab/people/{person.pk}/invite")
    assert len(mail.outbox) == 2
    answer = admin_client.post("/lab/people/invite/", form)
    assert answer.status_code == 400 and "has an account already" in answer.content.decode()


def test_a_role_is_changed_and_an_invented_one_refused(admin_client: Client, member: User) -> None:
    admin_client.post(f"/lab/people/{member.pk}/role", {"role": "curator"})
    assert role_of(User.objects.get(pk=member.pk)) == "curator"
    page = admin_client.post(f"/lab/people/{member.pk}/role", {"role": "boss"}, follow=True).content.decode()
    assert "no role named" in page and "before: <bdi>member</bdi>" in page and "now: <bdi>curator</bdi>" in page
    assert role_of(User.objects.get(pk=member.pk)) == "curator"


def test_somebody_is_deactivated_and_reactivated(admin_client: Client, member: User) -> None:
    page = admin_client.post(f"/lab/people/{member.pk}/deactivate", follow=True).content.decode()
    assert "is deactivated and signed out" in page and "Reactivate" in page
    page = admin_client.post(f"/lab/people/{member.pk}/reactivate", follow=True).content.decode()
    assert "can sign in again" in page and "Deactivate" in page


def test_the_last_admin_is_told_why(admin_client: Client, admin: User) -> None:
    page = admin_client.post(f"/lab/people/{admin.pk}/deactivate", follow=True).content.decode()
    assert "is the only admin" in page and User.objects.get(pk=admin.pk).is_active


def test_a_lost_phone_is_helped(admin_client: Client, member: User) -> None:
    with_second_factor(member)
    assert "Remove second factor" in admin_client.get(f"/lab/people/{member.pk}/").content.decode()
    page = admin_client.post(f"/lab/people/{member.pk}/second-factor", follow=True).content.decode()
    assert "needs no second factor now" in page and "Remove second factor" not in page


@pytest.mark.parametrize("pk", [10**6, 10**30])
def test_nobody_has_that_number(admin_client: Client, pk: int) -> None:
    assert admin_client.get(f"/lab/people/{pk}/").status_code == 404
    assert admin_client.post(f"/lab/people/{pk}/deactivate").status_code == 404


def test_the_admin_site_deactivates_by_the_same_rules(admin_client: Client, member: User) -> None:
    client = signed_in(member)
    client.get("/me/tokens/")
    form = {"email": member.email, "display_name": "Mia", "role": "member"}
    assert admin_client.post(f"/admin/accounts/user/{member.pk}/change/", form).status_code == 302
    assert not User.objects.get(pk=member.pk).is_active and client.get("/me/tokens/").status_code == 302
    assert AuditEntry.objects.get().action == "deactivate-person"
    admin_client.post(f"/admin/accounts/user/{member.pk}/change/", {**form, "is_active": "on"})
    assert User.objects.get(pk=member.pk).is_active
