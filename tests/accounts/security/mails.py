"""Links in the mails that were sent."""

import re

from django.core import mail
from django.test import Client

NEW = "another-good-passphrase"


def link_to(address: str, part: str) -> str | None:
    """Return the link with that part in the last mail to the address; None: there is no such mail or link."""
    for message in reversed(mail.outbox):
        if message.to == [address]:
            found = re.search(rf"http://testserver(/accounts/{part}/\S+)", str(message.body))
            return found[1] if found else None
    return None


def reset_by(address: str, password: str = NEW) -> bool:
    """Ask for a new password with that address and choose one by the mail, in a fresh browser; False: no link came."""
    mail.outbox.clear()
    client = Client()
    client.post("/accounts/password/reset/", {"email": address})
    link = link_to(address, "password/reset/key")
    if link is None:
        return False
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": password, "password2": password})
    return True


def confirm(address: str) -> None:
    """Open the confirmation link that was sent there last, in a fresh browser."""
    link = link_to(address, "confirm-email")
    assert link is not None
    Client().post(link)
