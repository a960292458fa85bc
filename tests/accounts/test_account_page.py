"""The overview of one's account, which the navigation leads to."""

from urllib.parse import unquote

import pytest
from django.test import Client

from accounts import services
from accounts.models import User
from accounts.roles import MEANINGS, Role
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db


def test_it_shows_who_one_is_and_leads_to_all_settings(member_client: Client, member: User) -> None:
    services.create_token(member, "notebook")
    page = member_client.get("/me/").content.decode()
    assert member.email in page and MEANINGS[Role.MEMBER] in page and 'value="Mia"' in page
    for path in ("/me/security/", "/me/tokens/", "/me/data/", "/accounts/sessions/"):
        assert f'<li><a href="{path}">' in page
    assert "1 in use" in page


def test_the_header_leads_there(member_client: Client) -> None:
    assert '<a href="/me/">Account</a>' in member_client.get("/algorithms/").content.decode()


def test_the_name_is_changed(member_client: Client, member: User) -> None:
    answer = member_client.post("/me/", {"display_name": "  Mia M. "})
    assert answer.status_code == 302 and answer["Location"] == "/me/"
    member.refresh_from_db()
    assert member.display_name == "Mia M."


@pytest.mark.parametrize("name", ["", "   ", "a" * 81])
def test_a_bad_name_changes_nothing(member_client: Client, member: User, name: str) -> None:
    answer = member_client.post("/me/", {"display_name": name, "_": ""})
    assert answer.status_code == 400 and "errorlist" in answer.content.decode()
    member.refresh_from_db()
    assert member.display_name == "Mia"


def test_it_changes_no_other_field(member_client: Client, member: User) -> None:
    member_client.post("/me/", {"display_name": "Mia", "email": "other@example.org", "is_staff": "on", "role": "admin"})
    member.refresh_from_db()
    assert member.email == "mia@example.org" and not member.is_staff


def test_a_visitor_signs_in_first(client: Client) -> None:
    page = {"Referer": "http://testserver/me/"}
    for answer in (client.get("/me/"), client.post("/me/", {"display_name": "Eve"}, headers=page)):
        assert answer.status_code == 302 and unquote(answer["Location"]) == "/accounts/login/?next=/me/"


def test_a_form_of_another_site_changes_nothing(member: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    assert client.post("/me/", {"display_name": "Eve"}).status_code == 403


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"])
def test_an_email_is_called_so_on_every_form(client: Client, path: str) -> None:
    page = client.get(path).content.decode()
    assert ">E-mail</label>" in page and ">Email" not in page and '"Email' not in page


def test_on_the_form_of_a_further_address_too(member: User) -> None:
    page = signed_in(member).get("/accounts/email/").content.decode()
    assert ">E-mail</label>" in page and ">Email" not in page
