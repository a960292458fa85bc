"""A sign-up tells nobody but the owner of the address whether it has an account."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import hashers
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.conftest import PASSWORD

FORM = {"display_name": "New one", "password1": PASSWORD}
MODES = ("mandatory", "optional", "none")
pytestmark = pytest.mark.django_db


def answer_to(email: str) -> tuple[int, str, str]:
    """Sign up and return the status, where it leads, and what is said there but for the address."""
    client = Client()
    answer = client.post("/accounts/signup/", {**FORM, "email": email})
    page = client.get(answer.headers.get("Location", "")).content.decode()
    assert client.get("/me/data/").status_code == 302, "nobody is signed in by it"
    lines = [line for line in page.splitlines() if "csrf" not in line.lower()]
    return answer.status_code, answer.headers.get("Location", ""), "\n".join(lines).replace(email, "EMAIL")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_known_and_an_unknown_address_get_the_same_answer(
    member: User, settings: Settings, mode: str, confirmed: bool
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = mode
    EmailAddress.objects.filter(user=member).update(verified=confirmed)
    assert answer_to(member.email) == answer_to("new@example.org")
    assert User.objects.count() == 2 and User.objects.get(pk=member.pk).check_password(PASSWORD)


def test_a_further_address_of_somebody_is_known_too(member: User) -> None:
    EmailAddress.objects.create(user=member, email="second@example.org", verified=True)
    answer_to("second@example.org")
    assert User.objects.count() == 1


def test_the_owner_of_an_account_is_told_by_mail(member: User) -> None:
    answer_to(member.email)
    [message] = mail.outbox
    assert message.to == [member.email] and "has an account already" in message.body
    assert "/accounts/password/reset/" in message.body


def test_both_take_as_many_hashes(member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    hasher = hashers.get_hasher().__class__
    encode = hasher.encode

    def counted(self: object, password: str, *args: object) -> str:
        hashed.append(password)
        return str(encode(self, password, *args))

    monkeypatch.setattr(hasher, "encode", counted)
    counts = []
    for email in (member.email, "new@example.org"):
        hashed.clear()
        Client().post("/accounts/signup/", {**FORM, "email": email})
        counts.append(len(hashed))
    assert counts == [1, 1]


def test_adding_an_address_does_not_tell_either(member: User, other_member: User, member_client: Client) -> None:
    member_client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    for email in (other_member.email, "nobody@example.org"):
        answer = member_client.post("/accounts/email/", {"email": email, "action_add": ""})
        assert answer.status_code == 302, email


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_ten_sign_ups_at_once_make_one_account() -> None:
    def sign_up(_: int) -> int:
        try:
            client = Client(raise_request_exception=False)
            return client.post("/accounts/signup/", {**FORM, "email": "new@example.org"}).status_code
        finally:
            connection.close()

    cache.clear()
    with ThreadPoolExecutor(10) as threads:
        codes = list(threads.map(sign_up, range(10)))
    assert 302 in codes and set(codes) <= {302, 429}  # 429: who waited too long for the count of sign-ups
    assert User.objects.get().email == "new@example.org" and EmailAddress.objects.count() == 1
