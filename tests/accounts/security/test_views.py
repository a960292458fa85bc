import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from accounts.models import User
from accounts.security import services
from tests.accounts.security.factors import code_of, with_second_factor
from tests.conftest import PASSWORD, proven, signed_in

pytestmark = pytest.mark.django_db
PAGES = ("/me/security/", "/accounts/sessions/", "/accounts/2fa/totp/activate/", "/accounts/2fa/recovery-codes/")


@pytest.mark.parametrize("address", PAGES)
def test_security_is_for_who_signed_in(client: Client, address: str) -> None:
    assert client.get(address).headers["Location"].startswith("/accounts/login/")


def test_a_second_factor_is_set_up_and_then_asked_for(member_client: Client, member: User, client: Client) -> None:
    services.confirm_address(member)
    begin = member_client.get("/accounts/2fa/totp/activate/")
    assert begin.headers["Location"].startswith("/accounts/reauthenticate/")
    page = proven(member_client).get("/accounts/2fa/totp/activate/").content.decode()
    assert '<img class="qr" src="data:image/svg+xml;base64,' in page and "style=" not in page
    secret = re.search(r'<code id="authenticator_secret">(\w+)</code>', page)[1]  # type: ignore[index]
    assert "Wrong code" in member_client.post("/accounts/2fa/totp/activate/", {"code": "1"}).content.decode()
    answer = member_client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)}, follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/2fa/recovery-codes/"
    codes = re.findall(r"<li><code>(\d{8})</code></li>", answer.content.decode())
    assert len(codes) == 10 and "10 unused recovery codes" in member_client.get("/me/security/").content.decode()

    answer = client.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/me/tokens/").status_code == 302, "half signed in is not signed in"
    client.post("/accounts/2fa/authenticate/", {"code": codes[0]})
    assert client.get("/me/tokens/").status_code == 200

    again = Client()
    again.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    page = again.post("/accounts/2fa/authenticate/", {"code": codes[0]}).content.decode()
    assert "Wrong code" in page, "a recovery code opens once"
    again.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert again.get("/me/tokens/").status_code == 200


def test_an_unconfirmed_address_comes_before_a_second_factor(member_client: Client, member: User) -> None:
    EmailAddress.objects.filter(user=member).update(verified=False)
    page = member_client.get("/accounts/2fa/totp/activate/", follow=True)
    assert page.redirect_chain[-1][0] == "/me/security/"
    assert "Confirm your e-mail address first" in page.content.decode()


def test_a_guesser_of_codes_is_slowed_down(client: Client, member: User) -> None:
    secret = with_second_factor(member)
    client.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    for _ in range(6):
        client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    page = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)}).content.decode()
    assert "Too many failed login attempts" in page
    assert client.get("/me/tokens/").status_code == 302


def test_it_is_turned_off_after_one_more_proof(member_client: Client, member: User) -> None:
    with_second_factor(member)
    answer = member_client.post("/accounts/2fa/totp/deactivate/")
    assert answer.status_code == 302 and Authenticator.objects.count() == 2
    proven(member_client)  # which sends the form again
    assert "Turn off second factor" in member_client.get("/accounts/2fa/totp/deactivate/").content.decode()
    member_client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()


def test_new_recovery_codes_replace_the_old_ones(member_client: Client, member: User) -> None:
    with_second_factor(member)
    proven(member_client)
    old = member_client.get("/accounts/2fa/recovery-codes/download/").content.decode().split()
    member_client.post("/accounts/2fa/recovery-codes/generate/")
    new = member_client.get("/accounts/2fa/recovery-codes/download/").content.decode().split()
    assert len(old) == len(new) == 10 and not set(old) & set(new)


def test_other_sessions_are_signed_out(member_client: Client, member: User) -> None:
    other = signed_in(member)
    other.get("/me/tokens/", headers={"user-agent": "Left at the library"})
    member_client.get("/me/tokens/")
    page = member_client.get("/accounts/sessions/").content.decode()
    assert "Left at the library" in page and "this session" in page
    assert "in 2 browsers" in member_client.get("/me/security/").content.decode()
    member_client.post("/accounts/sessions/")
    assert other.get("/me/tokens/").status_code == 302 and member_client.get("/me/tokens/").status_code == 200
    assert "No other sessions" in member_client.get("/accounts/sessions/").content.decode()


def test_a_changed_second_factor_is_told_by_mail(member_client: Client, member: User) -> None:
    services.confirm_address(member)
    with_second_factor(member)
    proven(member_client)
    member_client.post("/accounts/2fa/totp/deactivate/")
    assert [message.to for message in mail.outbox] == [[member.email]]
    assert mail.outbox[0].subject.startswith("Kindred: ")


def test_the_place_of_the_mail_is_said_while_it_is_a_folder(client: Client, settings: object) -> None:
    assert "This site sends no mail yet" not in client.get("/accounts/password/reset/done/").content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"  # type: ignore[attr-defined]
    assert "This site sends no mail yet" in client.get("/accounts/password/reset/done/").content.decode()
