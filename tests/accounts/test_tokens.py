"""Who may make a token, how many, and who learns of it."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts import services
from accounts.errors import AccountError
from accounts.models import ApiToken, AuditEntry, User
from tests.conftest import PASSWORD, api_of, proven, signed_in

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens/"
WISH = {"name": "notebook"}


def made(client: Client, **wish: Any) -> Any:
    return client.post(TOKENS, {**WISH, **wish}, content_type="application/json")


def test_a_token_makes_no_token(member: User) -> None:
    answer = api_of(member).post(TOKENS, WISH)
    assert (answer.status_code, answer.json()["type"]) == (403, "/api/problems/session-required")
    assert ApiToken.objects.count() == 1


def test_a_session_makes_one_after_its_password(member_client: Client) -> None:
    answer = made(member_client)
    assert (answer.status_code, answer.json()["type"]) == (403, "/api/problems/proof-required")
    answer = made(proven(member_client), expires_in_days=None)
    assert answer.status_code == 201 and answer.json()["secret"].startswith("kin_")
    assert Client().get("/api/v1/me/", headers={"Authorization": f"Token {answer.json()['secret']}"}).status_code == 200


def test_a_wrong_password_is_no_proof(member_client: Client) -> None:
    member_client.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert made(member_client).status_code == 403


def test_the_page_asks_for_the_password_and_then_makes_the_token(member_client: Client) -> None:
    form = {"name": "notebook", "read_only": "on", "expires_in_days": "30"}
    ask = member_client.post("/me/tokens/", form).headers["Location"]
    assert ask.startswith("/accounts/reauthenticate/") and not ApiToken.objects.exists()
    page = member_client.post(ask, {"password": PASSWORD, "next": "/me/tokens/"}).content.decode()
    token = ApiToken.objects.get()
    assert 'id="secret"' in page and token.read_only and token.name == "notebook"


def test_tokens_are_bounded_in_number(member: User, member_client: Client, settings: Settings) -> None:
    settings.TOKENS_PER_PERSON = 2
    for _ in range(2):
        assert made(proven(member_client)).status_code == 201
    answer = made(member_client)
    assert (answer.status_code, answer.json()["type"]) == (409, "/api/problems/conflict")
    page = member_client.post("/me/tokens/", {"name": "third", "expires_in_days": "30"})
    assert page.status_code == 400 and "revoke one first" in page.content.decode()
    services.revoke_token(ApiToken.objects.all()[0], by=member)
    assert made(member_client).status_code == 201


def test_the_owner_is_told_by_mail_without_anybodys_text(member: User, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.create_token(member, "WIN 1000 http://evil.example")
    [message] = mail.outbox
    assert message.to == [member.email] and message.subject == "Kindred: API token created"
    assert "evil" not in message.body and "until you revoke it" in message.body


def test_a_mail_that_fails_costs_no_token(
    member: User, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError("the server is away")

    monkeypatch.setattr("accounts.security.services.send_mail", fail)
    with django_capture_on_commit_callbacks(execute=True):
        services.create_token(member, "notebook")
    assert ApiToken.objects.count() == 1


def test_a_members_tokens_are_in_the_trail_until_the_member_leaves(member: User, admin: User) -> None:
    token, _ = services.create_token(member, "notebook of Mia")
    services.revoke_token(token, by=admin)
    assert [entry.target for entry in AuditEntry.objects.all()] == ["notebook of Mia"] * 2
    services.delete_account(member)
    assert {entry.target for entry in AuditEntry.objects.all()} == {"a former member"}


def test_a_session_of_the_former_password_makes_no_token(member: User) -> None:
    before = User.objects.get(pk=member.pk)
    member.set_password("another-good-passphrase")
    member.save()
    with pytest.raises(AccountError, match="was changed meanwhile"):
        services.create_token(before, "late")


def test_others_sessions_prove_nothing(member: User, other_member: User) -> None:
    proven(signed_in(other_member))
    assert made(signed_in(member)).status_code == 403
