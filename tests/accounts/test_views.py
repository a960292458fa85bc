import json
import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import ApiToken, User
from accounts.roles import role_of
from tests.accounts.security.factors import code_of, with_second_factor
from tests.conftest import PASSWORD, api_of, proven, signed_in

pytestmark = pytest.mark.django_db

SIGN_UP = {"email": "New@example.org", "display_name": "New one", "password1": PASSWORD}


def test_a_sign_up_makes_a_member_who_can_sign_in(client: Client) -> None:
    answer = client.post("/accounts/signup/", SIGN_UP)
    assert answer.status_code == 302 and answer.headers["Location"] == "/accounts/confirm-email/"
    user = User.objects.get(email="new@example.org")
    assert (user.display_name, role_of(user), user.is_staff) == ("New one", "member", False)
    client.post("/accounts/login/", {"login": SIGN_UP["email"], "password": PASSWORD})
    assert client.get("/me/data/").status_code == 200


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"display_name": ""}, "This field is required"),
        ({"password1": "12345678"}, "too common"),
        ({"email": "nobody"}, "valid email"),
    ],
)
def test_a_bad_sign_up_is_explained_and_writes_nothing(client: Client, change: dict[str, str], sentence: str) -> None:
    answer = client.post("/accounts/signup/", {**SIGN_UP, **change})
    assert answer.status_code == 200 and sentence in answer.content.decode()
    assert not User.objects.exists()


def test_a_sign_up_cannot_choose_its_role(client: Client) -> None:
    client.post("/accounts/signup/", {**SIGN_UP, "role": "admin", "is_staff": "on", "is_superuser": "on"})
    user = User.objects.get()
    assert role_of(user) == "member" and not user.is_superuser


def test_sign_in_by_email_and_sign_out(client: Client, member: User) -> None:
    answer = client.post("/accounts/login/", {"login": member.email.upper(), "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/me/tokens/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/me/tokens/").status_code == 302


def test_a_guesser_is_slowed_down(client: Client, member: User) -> None:
    wrong = {"login": member.email, "password": "wrong"}
    for _ in range(6):
        answer = client.post("/accounts/login/", wrong)
    assert "Too many failed login attempts" in answer.content.decode()
    client.post("/accounts/login/", {**wrong, "password": PASSWORD})
    assert client.get("/me/tokens/").status_code == 302


def test_a_forgotten_password_is_reset_by_mail(client: Client, member: User) -> None:
    client.post("/accounts/password/reset/", {"email": member.email})
    link = re.search(r"http://testserver(/accounts/password/reset/key/\S+)", mail.outbox[0].body)
    assert link is not None
    form = client.get(link[1], follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "another-good-passphrase", "password2": "another-good-passphrase"})
    member.refresh_from_db()
    assert member.check_password("another-good-passphrase")


def test_the_admins_sign_in_has_the_same_rate_limits(client: Client) -> None:
    assert client.get("/admin/login/").headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("name", ["tokens", "my_data", "export_my_data"])
def test_a_visitor_is_sent_to_sign_in(client: Client, name: str) -> None:
    assert client.get(reverse(name)).headers["Location"].startswith("/accounts/login/")


# --- tokens


def test_a_new_tokens_secret_is_shown_once(member_client: Client, member: User) -> None:
    form = {"name": "notebook", "read_only": "on", "expires_in_days": "30"}
    page = proven(member_client).post("/me/tokens/", form).content.decode()
    found = re.search(r'<code id="secret">(kin_\w+)</code>', page)
    assert found is not None
    assert found[1] not in member_client.get("/me/tokens/").content.decode()
    token = ApiToken.objects.get()
    assert token.user == member and token.read_only and token.expiry is not None


def test_a_token_without_a_name_is_refused(member_client: Client) -> None:
    answer = proven(member_client).post("/me/tokens/", {"name": "", "expires_in_days": "30"})
    assert "This field is required" in answer.content.decode() and not ApiToken.objects.exists()


def test_one_revokes_ones_own_tokens_only(member_client: Client, member: User, other_member: User) -> None:
    own, _ = services.create_token(member, "mine")
    foreign, _ = services.create_token(other_member, "theirs")
    assert member_client.post(f"/me/tokens/{own.pk}/revoke").status_code == 302
    assert member_client.post(f"/me/tokens/{foreign.pk}/revoke").status_code == 404
    assert list(ApiToken.objects.all()) == [foreign]


# --- my data


def test_my_data_come_as_a_file(member_client: Client, member: User) -> None:
    answer = member_client.get("/me/data/export")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert json.loads(answer.content)["account"]["email"] == member.email


def test_an_account_is_deleted_only_after_one_more_proof(member_client: Client, member: User) -> None:
    answer = member_client.post("/me/data/delete", {"sure": "on"})
    ask = answer.headers["Location"]
    assert ask.startswith("/accounts/reauthenticate/") and User.objects.filter(pk=member.pk).exists()
    member_client.post(ask, {"password": "wrong", "next": "/me/data/delete"})
    assert User.objects.filter(pk=member.pk).exists()
    answer = member_client.post(ask, {"password": PASSWORD, "next": "/me/data/delete"}, follow=True)
    assert "were deleted" in answer.content.decode()
    assert not User.objects.filter(pk=member.pk).exists()
    assert member_client.get("/me/data/").status_code == 302


def test_a_code_of_the_second_factor_is_proof_too(member_client: Client, member: User) -> None:
    secret = with_second_factor(member)
    member_client.post("/me/data/delete", {"sure": "on"})
    form = {"code": code_of(secret), "next": "/me/data/delete"}
    member_client.post("/accounts/2fa/reauthenticate/", form)
    assert not User.objects.filter(pk=member.pk).exists()


def test_nothing_is_deleted_without_the_tick(member_client: Client, member: User) -> None:
    member_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = member_client.post("/me/data/delete")
    assert answer.status_code == 400 and "required" in answer.content.decode()
    assert User.objects.filter(pk=member.pk).exists()


def test_the_last_admin_is_told_why_the_account_stays(admin_client: Client, admin: User) -> None:
    admin_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = admin_client.post("/me/data/delete", {"sure": "on"})
    assert answer.status_code == 400 and "is the only admin" in answer.content.decode()


# --- API


def test_me_says_who_the_token_belongs_to(member: User) -> None:
    assert api_of(member).get("/api/v1/me/").json() == {
        "id": member.pk,
        "email": member.email,
        "display_name": "Mia",
        "role": "member",
    }


def test_tokens_over_the_api(member_client: Client, member: User, other_member: User) -> None:
    services.create_token(other_member, "theirs")
    api = proven(member_client)
    wish = {"name": "second", "read_only": True, "expires_in_days": 7}
    made = api.post("/api/v1/tokens/", wish, content_type="application/json").json()
    assert made["secret"].startswith("kin_") and made["read_only"] and made["expires_at"]
    [row] = api.get("/api/v1/tokens/").json()["results"]
    assert row["name"] == "second" and "secret" not in row
    assert api.delete(f"/api/v1/tokens/{made['id']}/").status_code == 204
    foreign = ApiToken.objects.get(user=other_member)
    assert api.delete(f"/api/v1/tokens/{foreign.pk}/").status_code == 404


# --- admin


def test_an_admin_changes_a_role(admin_client: Client, member: User) -> None:
    form = {"email": member.email, "display_name": "Mia", "is_active": "on", "role": "curator"}
    assert admin_client.post(f"/admin/accounts/user/{member.pk}/change/", form).status_code == 302
    assert role_of(User.objects.get(pk=member.pk)) == "curator"


def test_an_admin_adds_a_user(admin_client: Client) -> None:
    form = {"email": "x@example.org", "display_name": "X", "password1": PASSWORD, "password2": PASSWORD}
    assert admin_client.post("/admin/accounts/user/add/", {**form, "role": "admin"}).status_code == 302
    user = User.objects.get(email="x@example.org")
    assert role_of(user) == "admin" and user.is_staff and user.check_password(PASSWORD)


@pytest.mark.parametrize("form", [{"is_active": "on", "role": "member"}, {"role": "admin"}])
def test_the_last_admin_cannot_be_undone(admin_client: Client, admin: User, form: dict[str, str]) -> None:
    fields = {"email": admin.email, "display_name": "Ada", **form}
    answer = admin_client.post(f"/admin/accounts/user/{admin.pk}/change/", fields)
    assert answer.status_code == 200 and "is the only admin" in answer.content.decode()
    stored = User.objects.get(pk=admin.pk)
    assert role_of(stored) == "admin" and stored.is_active


@pytest.mark.parametrize("page", ["", "accounts/user/", "accounts/apitoken/", "jobs/job/"])
def test_admins_pages_open_for_admins_only(admin_client: Client, curator: User, page: str) -> None:
    assert admin_client.get(f"/admin/{page}").status_code == 200
    assert signed_in(curator).get(f"/admin/{page}").status_code in (302, 403)


@pytest.mark.parametrize("page", ["mfa/authenticator/", "usersessions/usersession/"])
def test_second_factors_and_sessions_are_not_the_admin_sites(admin_client: Client, page: str) -> None:
    assert admin_client.get(f"/admin/{page}").status_code == 404
