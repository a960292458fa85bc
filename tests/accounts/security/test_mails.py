"""No mail carries text that somebody else chose."""

import datetime
from pathlib import Path

import allauth
import pytest
from django.conf import settings
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import User
from accounts.people import services as people
from tests.conftest import PASSWORD

HOSTILE = "WIN 1000 EUR http://evil.example/claim"
OURS = Path(settings.BASE_DIR) / "templates"
STOCK = Path(allauth.__file__).parent / "templates"
MAILS = sorted(
    {
        str(file.relative_to(root))
        for root in (OURS, STOCK)
        for folder in ("account/email", "mfa/email", "accounts/email")
        for file in (root / folder).glob("*.txt")
    }
)


class Site:
    name = domain = "kindred.example"


class Token:
    name, read_only, expiry = HOSTILE, True, None


@pytest.mark.parametrize("template", MAILS)
def test_a_mail_holds_nothing_that_a_person_typed(template: str) -> None:
    user = User(email='"WIN\\ evil"@evil.example', display_name=HOSTILE)
    address = str(user.email)
    context = {
        **dict.fromkeys(("email", "from_email", "to_email", "deleted_email"), address),
        **dict.fromkeys(("user", "person", "by"), user),
        **{"user_agent": HOSTILE, "username": HOSTILE, "token": Token, "current_site": Site, "ip": "192.0.2.1"},
        "timestamp": datetime.datetime.now(datetime.UTC),
    }
    assert "evil" not in render_to_string(template, context)


@pytest.mark.django_db
def test_a_sign_up_sends_no_words_of_whoever_signs_up(admin: User) -> None:
    form = {"email": "victim@example.org", "display_name": HOSTILE, "password1": PASSWORD}
    Client(headers={"user-agent": HOSTILE}).post("/accounts/signup/", form)
    people.invite("victim@example.org", "member", by=admin, site="http://testserver")
    client = Client(headers={"user-agent": HOSTILE})
    client.post("/accounts/password/reset/", {"email": "victim@example.org"})
    assert len(mail.outbox) == 3
    assert not [message for message in mail.outbox if "evil" in f"{message.subject} {message.body}"]


@pytest.mark.django_db
def test_the_page_of_a_confirmation_link_says_no_names() -> None:
    form = {"email": "victim@example.org", "display_name": HOSTILE, "password1": PASSWORD}
    Client().post("/accounts/signup/", form)
    link = next(word for word in mail.outbox[0].body.split() if "/confirm-email/" in word)
    page = Client().get(link.removeprefix("http://testserver")).content.decode()
    assert "evil" not in page and "victim@example.org" in page
