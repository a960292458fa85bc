"""Signing up and in, passwords, addresses, second factors, invitations: pages and mails."""

import re

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client, TestCase, override_settings

from accounts.models import User
from tests.accounts.security.factors import code_of
from tests.snapshots.record import Record
from tests.snapshots.site import undone

NEW = "another-good-passphrase"


def link() -> str:
    """Return where the last mail leads."""
    return re.findall(r"http://testserver(/accounts/\S+/)", str(mail.outbox[-1].body))[-1]


def sign_up(record: Record) -> None:
    """Sign up: as nobody should, then well; open the link of the mail."""
    form = {"email": "new@example.org", "display_name": "New", "password1": NEW}
    for changes in (
        {},
        {"password1": "short"},
        {"password1": "12345678901"},
        {"email": "none"},
        {"email": "a@b.c" * 99},
    ):
        with undone():
            record.send("visitor", "/accounts/signup/", form | changes if changes else {})
    with undone():
        record.send("visitor", "/accounts/signup/", form | {"email": "mia@example.org"})
    for verification in ("optional", "mandatory"):
        with undone(), override_settings(ACCOUNT_EMAIL_VERIFICATION=verification):
            browser = Client()
            browser.post("/accounts/signup/", form)
            there = link()
            record.see("visitor", "/accounts/confirm-email/", browser)
            record.see("visitor", there, browser)
            record.send("visitor", there, browser=browser)
            record.see("visitor", there, browser)
    with undone():
        record.see("visitor", "/accounts/confirm-email/no-such-key/")
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend", EMAIL_FILE_PATH="/nowhere"
    ):
        record.see("visitor", "/accounts/password/reset/done/")


def sign_in(record: Record) -> None:
    """Sign in: with a wrong password, into a closed account, with a second factor."""
    password, secret = record.site.keys["password"], record.site.keys["totp"]["ada"]
    for login, given in (
        ("", ""),
        ("mia@example.org", "wrong"),
        ("dora@example.org", password),
        ("ulla@example.org", password),
    ):
        with undone():
            record.send("visitor", "/accounts/login/", {"login": login, "password": given})
    with undone():
        record.see("visitor", "/accounts/inactive/")
        record.see("visitor", "/accounts/login/code/confirm/")
    with undone():
        browser = Client()
        record.send("visitor", "/accounts/login/", {"login": "ada@example.org", "password": password}, browser)
        record.send("visitor", "/accounts/2fa/authenticate/", {"code": "1"}, browser)
        record.send("visitor", "/accounts/2fa/authenticate/", {"code": code_of(secret)}, browser)
        record.send("admin", "/accounts/logout/", browser=browser)


def passwords(record: Record) -> None:
    """Forget, reset and change a password."""
    for address in ("", "nobody@example.org", "dora@example.org"):
        with undone():
            record.send("visitor", "/accounts/password/reset/", {"email": address})
    with undone():
        browser = Client()
        browser.post("/accounts/password/reset/", {"email": "mia@example.org"})
        there = link()
        record.see("visitor", "/accounts/password/reset/key/1-none/", follow=True)
        answer = record.see("visitor", there, browser, follow=True)
        form = answer.redirect_chain[-1][0]
        record.send("visitor", form, {"password1": "short", "password2": "shorter"}, browser)
        record.send("visitor", form, {"password1": NEW, "password2": NEW}, browser)
        record.see("visitor", there, browser, follow=True)
        record.see("visitor", "/accounts/password/reset/key/done/")
    with undone():
        browser, old = record.site.proven("member"), record.site.keys["password"]
        path = "/accounts/password/change/"
        record.send("member", path, {"oldpassword": "wrong", "password1": NEW, "password2": old}, browser)
        record.send("member", path, {"oldpassword": old, "password1": NEW, "password2": NEW}, browser)
        record.see("member", "/accounts/password/set/", browser)
    with undone():
        record.send("member", "/accounts/reauthenticate/", {"password": "wrong"})


def addresses(record: Record) -> None:
    """Add, choose and remove addresses."""
    for fields in (
        {"action_add": "", "email": "none"},
        {"action_add": "", "email": "mia@example.org"},
        {"action_add": "", "email": "otto@example.org"},
        {"action_add": "", "email": "mia@third.example"},
        {"action_primary": "", "email": "mia@second.example"},
        {"action_remove": "", "email": "mia@second.example"},
        {"action_remove": "", "email": "mia@example.org"},
        {"action_send": "", "email": "mia@second.example"},
    ):
        with undone():
            record.send("member", "/accounts/email/", fields, record.site.proven("member"))
    with undone():
        EmailAddress.objects.filter(email="mia@second.example").update(verified=False)
        record.see("member", "/accounts/email/")
        record.send("member", "/accounts/email/", {"action_primary": "", "email": "mia@second.example"})


def second_factors(record: Record) -> None:
    """Set up an authenticator app, see and renew recovery codes, turn it off."""
    with undone():
        EmailAddress.objects.filter(user__email="mia@example.org").update(verified=False)
        record.see("member", "/accounts/2fa/totp/activate/", follow=True)
    with undone():
        browser = record.site.proven("member")
        page = record.see("member", "/accounts/2fa/totp/activate/", browser).content.decode()
        (secret,) = re.findall(r'<code id="authenticator_secret">(\w+)</code>', page)
        record.send("member", "/accounts/2fa/totp/activate/", {"code": "1"}, browser)
        record.send("member", "/accounts/2fa/totp/activate/", {"code": code_of(secret)}, browser)
        for path in ("recovery-codes/", "recovery-codes/generate/", "totp/deactivate/", "reauthenticate/"):
            record.see("member", f"/accounts/2fa/{path}", browser)
        record.send("member", "/accounts/2fa/reauthenticate/", {"code": "1"}, browser)
        record.send("member", "/accounts/2fa/recovery-codes/generate/", browser=browser)
        record.send("member", "/accounts/2fa/totp/deactivate/", browser=browser)


def own_account(record: Record) -> None:
    """Make tokens, sign out elsewhere, delete one's account."""
    for who, fields in (
        ("member", {}),
        ("member", {"name": "of a program", "expires_in_days": "30"}),
        ("member", {"name": "of a reader", "read_only": "on"}),
        ("member", {"name": "for ever", "expires_in_days": ""}),
    ):
        with undone():
            record.send(who, "/me/tokens/", fields, record.site.proven(who))
    with undone():
        with TestCase.captureOnCommitCallbacks(execute=True):  # the mail waits for the token to be stored
            answer = record.site.proven("member").post("/me/tokens/", {"name": "of a program", "expires_in_days": "30"})
        record.add("member: is told of a token", answer)
    with undone():
        elsewhere = Client(headers={"user-agent": "Chrome"})
        elsewhere.force_login(User.objects.get(email="mia@example.org"))
        elsewhere.get("/")
        record.see("member", "/me/security/")
        record.see("member", "/accounts/sessions/")
        record.send("member", "/accounts/sessions/")
    for who in ("member", "admin"):
        for fields in ({}, {"sure": "on"}):
            with undone():
                record.send(who, "/me/data/delete", fields, record.site.proven(who))


def invitations(record: Record) -> None:
    """Invite somebody, who opens the link."""
    with undone():
        browser = record.site.proven("admin")
        fields = {"email": "new@example.org", "role": "curator", "display_name": "New"}
        browser.post("/lab/people/invite/", fields)
        there = link()
        key = User.objects.get(email="new@example.org").pk
        record.see("admin", f"/lab/people/{key}/", browser)
        answer = record.see("visitor", there, follow=True, browser=(guest := Client()))
        record.send("visitor", answer.redirect_chain[-1][0], {"password1": NEW, "password2": NEW}, guest)
    with undone():
        record.send("admin", "/lab/people/invite/", fields | {"email": "other@example.org"})
