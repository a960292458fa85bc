"""Rules of managing people: invite, change roles, deactivate, reactivate, remove second factors."""

import logging
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import audit
from accounts import services as accounts
from accounts.admins import held, require_admin, require_another_admin
from accounts.errors import AccountError
from accounts.models import ApiToken, User
from accounts.roles import Role, given_role, lacks_second_factor
from accounts.security import services as security


def people(*, text: str = "", role: str = "") -> QuerySet[User]:
    """Return everybody whose name or e-mail holds `text` and who has that role, by e-mail."""
    matching = User.objects.prefetch_related("groups").annotate(
        session_seen=Max("usersession__last_seen_at"), token_seen=Max("auth_token_set__last_used_at")
    )
    matching = matching.order_by("email")  # an aggregate forgets the model's own order
    if role:
        matching = matching.filter(groups__name=role)
    return matching.filter(Q(email__icontains=text) | Q(display_name__icontains=text)) if text else matching


@dataclass(frozen=True)
class Person:
    """An account as its admin page shows it. `seen`: its last sign-in, or last use of a session or token."""

    account: User
    role: Role | None
    state: str
    seen: datetime | None
    second_factor_due: bool


def describe(account: Any) -> Person:
    """Return the description of one of `people`."""
    moments = (account.last_login, account.session_seen, account.token_seen)
    return Person(
        account=account,
        role=given_role(account),
        state=state_of(account),
        seen=max((moment for moment in moments if moment), default=None),
        second_factor_due=lacks_second_factor(account),
    )


def state_of(account: User) -> str:
    """Return `active`, `invited` (nobody has chosen a password yet) or `deactivated`."""
    if not account.is_active:
        return "deactivated"
    return "active" if account.has_usable_password() else "invited"


def invite(email: str, role: Role | str, display_name: str = "", *, by: User, site: str) -> User:
    """Make an account that nobody can enter yet, and send the link with which its owner chooses a password.

    An account that somebody has made with this address, and never confirmed, becomes that account: see `_taken_over`.
    site: the address of this site, as in `https://kindred.example`.

    Raises:
        PermissionDenied: `by` is no admin.
        AccountError: the e-mail is malformed or taken, the role is unknown, or the mail could not be sent.
    """
    email = email.strip().lower()
    name = display_name.strip()[:80] or email.split("@")[0][:80]
    with transaction.atomic():
        held(by)  # before the row of any account, as everywhere: two orders would be a deadlock
        require_admin(by)
        existing = User.objects.select_for_update().filter(email=email).first()
        if existing and state_of(existing) == "active" and not security.is_confirmed(existing):
            person, action = _taken_over(existing, role, name, by), "invite-over-unconfirmed"
        else:
            person, action = accounts.create_account(email, None, role, name), "invite-person"
        audit.record_about(by, action, person, role=str(role))
    _send_invitation(person, site)
    return person


def _taken_over(person: User, role: Role | str, name: str, by: User) -> User:
    """Close an unconfirmed account to whoever signed up with the address, and give it the role.

    That may have been anybody, so the password, sessions, tokens, further addresses and name go. What was made stays.
    """
    person.display_name = name
    person.set_unusable_password()
    person.save()
    security.remove_second_factor(person)
    accounts.set_role(person, role, by=by)
    return person


def resend_invitation(person: User, *, by: User, site: str) -> None:
    """Send the link once more; the earlier one goes on working until one of them is used or it is too old.

    Raises:
        PermissionDenied: `by` is no admin.
        AccountError: there is nothing to invite to any more, or the mail could not be sent.
    """
    require_admin(by)
    if state_of(person) != "invited":
        raise AccountError(f"{person.email} is {state_of(person)}; only an invited person can be invited again")
    audit.record_about(by, "resend-invitation", person)
    _send_invitation(person, site)


def _send_invitation(person: User, site: str) -> None:
    link = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(person), "key": default_token_generator.make_token(person)},
    )
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    context = {"site": site, "link": site.rstrip("/") + link, "days": days}
    text = render_to_string("accounts/email/invitation.txt", {**context, "role": given_role(person)})
    subject = f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}invitation"
    try:
        send_mail(subject, text, None, [person.email])
    except (OSError, SMTPException) as error:
        logging.getLogger(__name__).exception("the invitation of account %s was not sent", person.pk)
        raise AccountError(
            f"{person.email} has an account, but the mail could not be sent ({error}); resend it later"
        ) from None


@transaction.atomic
def change_role(person: User, role: Role | str, *, by: User) -> None:
    """Give somebody another role.

    Raises:
        PermissionDenied: `by` is no admin.
        AccountError: no such role, the account is gone, or nobody would be admin any more.
    """
    held(person)
    require_admin(by)
    accounts.set_role(person, role, by=by)


@transaction.atomic
def deactivate(person: User, *, by: User) -> None:
    """Take away all access at once: sign out everywhere, revoke the tokens. What the person made stays.

    Raises:
        PermissionDenied: `by` is no admin.
        AccountError: nobody would be admin any more, or the account is gone.
    """
    account = held(person)
    require_admin(by)
    require_another_admin(account)
    changed = User.objects.filter(pk=person.pk, is_active=True).update(is_active=False)
    person.is_active = False
    security.end_sessions(person)
    ApiToken.objects.filter(user=person).delete()
    if changed:
        audit.record_about(by, "deactivate-person", person)


@transaction.atomic
def reactivate(person: User, *, by: User) -> None:
    """Let somebody sign in again, in the role of before; revoked tokens stay revoked.

    Raises:
        PermissionDenied: `by` is no admin.
    """
    held(by)
    require_admin(by)
    if User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
        audit.record_about(by, "reactivate-person", person)
    person.is_active = True


@transaction.atomic
def remove_second_factor(person: User, *, by: User) -> None:
    """Let a password be enough for who lost the phone and the recovery codes.

    Raises:
        PermissionDenied: `by` is no admin.
        AccountError: there is none.
    """
    held(by)
    require_admin(by)
    if not security.remove_second_factor(person):
        raise AccountError(f"{person.email} has no second factor")
    audit.record_about(by, "remove-second-factor", person)
