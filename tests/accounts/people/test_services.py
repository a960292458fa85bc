import re
from datetime import timedelta
from smtplib import SMTPException

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.errors import AccountError
from accounts.models import ApiToken, AuditEntry, User
from accounts.people import services
from accounts.roles import role_of
from tests.accounts.security.factors import with_second_factor
from tests.conftest import PASSWORD, api_of, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.services]
SITE = "https://kindred.example/"


def invited(admin: User, **change: str) -> User:
    values = {"email": "Nora@example.org", "role": "curator", "display_name": "Nora", **change}
    return services.invite(**values, by=admin, site=SITE)


def link_in_mail(number: int = -1) -> str:
    found = re.search(r"https://kindred\.example(/accounts/password/reset/key/\S+)", str(mail.outbox[number].body))
    assert found is not None
    return found[1]


def choose_password(client: Client, link: str) -> bool:
    """Follow the link and choose a password; False: it is no longer valid."""
    form = client.get(link, follow=True)
    if form.context.get("token_fail"):
        return False
    client.post(form.redirect_chain[-1][0], {"password1": PASSWORD, "password2": PASSWORD})
    return True


def entries() -> list[tuple[str, str]]:
    return [(entry.action, entry.target) for entry in AuditEntry.objects.all()]


def test_an_invitation_is_an_account_without_password_and_a_mail(admin: User) -> None:
    person = invited(admin)
    assert (person.email, str(person), role_of(person)) == ("nora@example.org", "Nora", "curator")
    assert services.state_of(person) == "invited" and entries() == [("invite-person", "nora@example.org")]
    [message] = mail.outbox
    assert message.to == ["nora@example.org"] and message.subject == "Kindred: invitation"
    assert "an admin of Kindred, at https://kindred.example/, invites you as curator" in message.body
    assert "works once, and for 3 days" in message.body


def test_who_follows_the_link_chooses_a_password_and_is_confirmed(admin: User, client: Client) -> None:
    person = invited(admin)
    assert choose_password(client, link_in_mail())
    person.refresh_from_db()
    assert services.state_of(person) == "active" and person.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=person).verified
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    assert client.get("/lab/").status_code == 200


def test_the_link_works_once_and_not_for_ever(admin: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    person = invited(admin)
    link = link_in_mail()
    assert choose_password(client, link)
    assert not choose_password(Client(), link)
    invited(admin, email="late@example.org")
    now = PasswordResetTokenGenerator._now  # type: ignore[attr-defined]
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: now(self) + timedelta(days=3, seconds=60))
    assert not choose_password(Client(), link_in_mail())
    assert User.objects.get(pk=person.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"email": "nobody"}, "valid email"),
        ({"email": "ADA@example.org"}, "has an account already"),
        ({"email": "second@example.org"}, "belongs to an account already"),
        ({"role": "boss"}, "no role named 'boss'"),
    ],
)
def test_a_bad_invitation_is_refused_and_nothing_is_sent(admin: User, change: dict[str, str], sentence: str) -> None:
    EmailAddress.objects.create(user=admin, email="second@example.org", verified=True)
    with pytest.raises(AccountError, match=sentence):
        invited(admin, **change)
    assert User.objects.count() == 1 and not mail.outbox and not entries()


def test_a_name_is_made_of_the_address_when_none_is_given(admin: User) -> None:
    assert str(invited(admin, display_name="  ")) == "nora"


def test_an_invitation_whose_mail_fails_is_kept_and_said(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise SMTPException("the server is away")

    with monkeypatch.context() as broken, pytest.raises(AccountError, match="could not be sent .the server is away"):
        broken.setattr(services, "send_mail", fail)
        invited(admin)
    person = User.objects.get(email="nora@example.org")
    services.resend_invitation(person, by=admin, site=SITE)
    assert len(mail.outbox) == 1 and entries()[0] == ("resend-invitation", "nora@example.org")


def test_who_has_a_password_is_not_invited_again(admin: User, member: User) -> None:
    with pytest.raises(AccountError, match="only an invited person"):
        services.resend_invitation(member, by=admin, site=SITE)
    assert not mail.outbox and not entries()


def test_deactivating_ends_sessions_and_tokens_at_once(admin: User, curator: User) -> None:
    client, api = signed_in(curator), api_of(curator)
    assert client.get("/lab/").status_code == 200 and api.get("/api/v1/me/").status_code == 200
    for _ in range(2):
        services.deactivate(curator, by=admin)
    assert client.get("/me/tokens/").status_code == 302 and api.get("/api/v1/me/").status_code == 401
    assert services.state_of(curator) == "deactivated" and not ApiToken.objects.exists()
    assert entries()[0] == ("deactivate-person", curator.email)

    for _ in range(2):
        services.reactivate(curator, by=admin)
    assert client.get("/me/tokens/").status_code == 302, "an ended session stays ended"
    assert signed_in(curator).get("/lab/").status_code == 200, "in the role of before"
    assert entries()[0] == ("reactivate-person", curator.email) and len(entries()) == 3  # and the token


def test_the_last_admin_is_neither_deactivated_nor_demoted(admin: User, member: User) -> None:
    with pytest.raises(AccountError, match="is the only admin"):
        services.deactivate(admin, by=admin)
    with pytest.raises(AccountError, match="is the only admin"):
        services.change_role(admin, "member", by=admin)
    admin.refresh_from_db()
    assert admin.is_active and role_of(admin) == "admin" and not entries()


def test_a_deactivation_that_fails_midway_changes_nothing(
    admin: User, curator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("disk")

    accounts.create_token(curator, "notebook")
    monkeypatch.setattr(services.audit, "record_about", fail)
    with pytest.raises(OSError, match="disk"):
        services.deactivate(curator, by=admin)
    assert User.objects.get(pk=curator.pk).is_active and ApiToken.objects.exists()


def test_a_lost_second_factor_is_removed(admin: User, member: User) -> None:
    with_second_factor(member)
    services.remove_second_factor(member, by=admin)
    assert not member.has_second_factor and entries() == [("remove-second-factor", member.email)]
    with pytest.raises(AccountError, match="has no second factor"):
        services.remove_second_factor(member, by=admin)


def test_nobody_but_an_admin_may_do_any_of_it(curator: User, member: User) -> None:
    with pytest.raises(PermissionDenied):
        invited(curator)
    with pytest.raises(PermissionDenied):
        services.resend_invitation(member, by=curator, site=SITE)
    with pytest.raises(PermissionDenied):
        services.change_role(curator, "admin", by=curator)
    for act in (services.deactivate, services.reactivate, services.remove_second_factor):
        with pytest.raises(PermissionDenied):
            act(member, by=curator)
    assert User.objects.get(pk=member.pk).is_active and role_of(curator) == "curator" and not entries()


def test_people_are_found_by_name_email_and_role(admin: User, curator: User, member: User) -> None:
    assert list(services.people()) == [admin, curator, member]
    assert list(services.people(text="CORA@")) == list(services.people(text="cora")) == [curator]
    assert list(services.people(role="member")) == [member]
    assert list(services.people(text="a", role="admin")) == [admin]
    assert list(services.people(text="nobody")) == []


def test_last_seen_is_the_latest_of_sign_in_session_and_token(member: User) -> None:
    assert services.describe(services.people().get()).seen is None
    week_ago = timezone.now() - timedelta(days=7)
    User.objects.update(last_login=week_ago)
    assert services.describe(services.people().get()).seen == week_ago
    api_of(member).get("/api/v1/me/")
    seen = services.describe(services.people().get()).seen
    assert seen is not None and seen > week_ago
    ApiToken.objects.update(last_used_at=None)
    signed_in(member).get("/me/tokens/")
    again = services.describe(services.people().get()).seen
    assert again is not None and again > seen
