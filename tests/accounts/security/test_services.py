import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from accounts import personal_data
from accounts import services as accounts
from accounts.models import User
from accounts.security import services
from tests.accounts.security.factors import with_second_factor
from tests.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_password_alone_is_no_second_factor(member: User) -> None:
    assert services.second_factor_of(member) is None and not member.has_second_factor


def test_a_second_factor_has_its_codes(member: User) -> None:
    with_second_factor(member)
    factor = services.second_factor_of(member)
    assert factor is not None and factor.codes_left == 10 and factor.last_used_at is None and member.has_second_factor


def test_codes_of_another_secret_key_are_not_counted(member: User, settings: Settings) -> None:
    with_second_factor(member)
    settings.SECRET_KEY = "another"
    factor = services.second_factor_of(member)
    assert factor is not None and factor.codes_left is None


def test_a_second_factor_is_removed_once(member: User, other_member: User) -> None:
    with_second_factor(member)
    with_second_factor(other_member)
    assert services.remove_second_factor(member) and not services.remove_second_factor(member)
    assert not member.has_second_factor and {row.user for row in Authenticator.objects.all()} == {other_member}


def test_ended_sessions_are_signed_out_and_those_of_others_are_not(member: User, other_member: User) -> None:
    two, other = [signed_in(member), signed_in(member)], signed_in(other_member)
    for client in (*two, other):
        client.get("/me/tokens/")
    assert len(services.sessions_of(member)) == 2
    services.end_sessions(member)
    services.end_sessions(member)
    assert [client.get("/me/tokens/").status_code for client in (*two, other)] == [302, 302, 200]
    assert services.sessions_of(member) == [] and Session.objects.count() == 1


def test_a_session_is_noted_once_a_minute(member_client: Client) -> None:
    for _ in range(2):
        member_client.get("/me/tokens/")
    first = UserSession.objects.get()
    member_client.get("/me/tokens/")
    assert UserSession.objects.get().last_seen_at == first.last_seen_at


def test_a_visitor_has_no_session_to_note(client: Client) -> None:
    client.get("/leaderboard/")
    assert not UserSession.objects.exists()


def test_a_confirmed_address_is_the_only_one_we_write_to(member: User) -> None:
    EmailAddress.objects.filter(user=member).delete()
    EmailAddress.objects.create(user=member, email="old@example.org", primary=True, verified=False)
    for _ in range(2):
        services.confirm_address(member)
    found = [(row.email, row.primary, row.verified) for row in services.addresses_of(member)]
    assert found == [(member.email, True, True), ("old@example.org", False, False)]


def test_an_address_that_somebody_else_confirmed_stays_theirs(member: User, other_member: User) -> None:
    EmailAddress.objects.filter(user=member).delete()
    EmailAddress.objects.create(user=other_member, email=member.email, verified=True)
    services.confirm_address(member)
    assert not services.addresses_of(member)


def test_an_export_tells_of_factor_sessions_and_addresses_without_secrets(member: User) -> None:
    secret = with_second_factor(member)
    signed_in(member).get("/me/tokens/", headers={"user-agent": "Firefox"})
    services.confirm_address(member)
    data = personal_data.export_all(member)["security"]
    assert data["second_factor"]["set_up"] and data["sessions"][0]["browser"] == "Firefox"
    assert data["addresses"] == [{"email": member.email, "confirmed": True}]
    assert secret not in str(data) and UserSession.objects.get().session_key not in str(data)


def test_who_leaves_takes_factor_and_sessions_along(member: User) -> None:
    with_second_factor(member)
    client = signed_in(member)
    client.get("/me/tokens/")
    accounts.delete_account(member)
    assert not Authenticator.objects.exists() and not UserSession.objects.exists() and not Session.objects.exists()
