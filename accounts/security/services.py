"""Rules of second factors, sessions and e-mail addresses, on top of allauth."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from accounts import audit
from accounts.models import ApiToken, User


@dataclass(frozen=True)
class SecondFactor:
    """A set-up authenticator app. `codes_left`: unused recovery codes, None when they cannot be read any more."""

    created_at: datetime
    last_used_at: datetime | None
    codes_left: int | None


def second_factor_of(user: User) -> SecondFactor | None:
    """Return what is set up, None when a password is enough."""
    rows = {row.type: row for row in Authenticator.objects.filter(user=user)}
    app, codes = (rows.get(kind) for kind in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES))
    return SecondFactor(app.created_at, app.last_used_at, _codes_left(codes)) if app else None


def _codes_left(codes: Any) -> int | None:
    if codes is None:
        return 0
    try:
        return len(codes.wrap().get_unused_codes())
    except ValidationError:
        return None


def remove_second_factor(user: User) -> bool:
    """Let a password be enough again. False: it was."""
    gone, _ = Authenticator.objects.filter(user=user).delete()
    user.__dict__.pop("has_second_factor", None)  # read again at the next question
    return bool(gone)


def sessions_of(user: User) -> list[Any]:
    """Return the sessions that are still signed in, the one used last first."""
    return sorted(UserSession.objects.purge_and_list(user), key=lambda row: row.last_seen_at, reverse=True)


def end_sessions(user: User) -> None:
    """Sign the account out everywhere, at once."""
    for session in UserSession.objects.filter(user=user):
        session.end()


def addresses_of(user: User) -> list[Any]:
    """Return the e-mail addresses of the account, the primary one first."""
    return list(EmailAddress.objects.filter(user=user).order_by("-primary", "email"))


def is_confirmed(user: User) -> bool:
    """Say whether somebody has shown, or an admin has vouched, that the account's e-mail address is its owner's."""
    return bool(EmailAddress.objects.filter(user=user, email=user.email.lower(), verified=True).exists())


def is_taken(email: str, by_other_than: User | None = None) -> bool:
    """Say whether an account, or another one, has confirmed that address."""
    addresses = EmailAddress.objects.filter(email=email.lower(), verified=True)
    return bool((addresses.exclude(user=by_other_than) if by_other_than else addresses).exists())


def may_reset_by(user: User, email: str) -> bool:
    """Say whether a link that is sent to `email` may open the account: its own address, or a confirmed further one."""
    if email.lower() == user.email.lower():
        return True
    addresses = EmailAddress.objects.filter(user=user, email=email.lower(), verified=True)
    return bool(is_confirmed(user) and addresses.exists())


@transaction.atomic
def end_access(user: User) -> None:
    """Revoke what was given under the former password: API tokens, and addresses that others may have added.

    Sessions end by themselves, as each holds a hash of the password.
    """
    tokens, _ = ApiToken.objects.filter(user=user).delete()
    addresses = drop_addresses(user, keep_confirmed=is_confirmed(user))
    if tokens or addresses:
        audit.record_about(None, "end-access", user, tokens=tokens, addresses=addresses)


def drop_addresses(user: User, *, keep_confirmed: bool) -> int:
    """Remove the account's further addresses and return their number.

    keep_confirmed: False while the account's own address is not confirmed, since whoever signed up with it may be
    anybody, and so may be the owner of the others.
    """
    others = EmailAddress.objects.filter(user=user).exclude(email=user.email.lower())
    gone, _ = (others.filter(verified=False) if keep_confirmed else others).delete()
    return int(gone)


def confirm_address(user: User) -> None:
    """Take the account's e-mail address for confirmed: a link that was sent there was used, or an admin vouches."""
    if is_taken(user.email, by_other_than=user):
        return  # a second address of somebody else, who has confirmed it before
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).update(primary=False)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
    )


def tell(user: User, what: str, **about: Any) -> None:
    """Send the account's owner a mail; it carries no text that somebody typed."""
    text = render_to_string(f"accounts/email/{what}.txt", about)
    subject = render_to_string(f"accounts/email/{what}_subject.txt", about).strip()
    send_mail(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", text, None, [user.email])


def export_security(user: User) -> dict[str, object]:
    """Return second factor, addresses and sessions of the account, without secrets."""
    factor = second_factor_of(user)
    return {
        "second_factor": {
            "set_up": factor is not None,
            "created_at": factor.created_at.isoformat() if factor else None,
            "last_used_at": factor.last_used_at.isoformat() if factor and factor.last_used_at else None,
        },
        "addresses": [{"email": row.email, "confirmed": row.verified} for row in addresses_of(user)],
        "sessions": [
            {
                "created_at": row.created_at.isoformat(),
                "last_seen_at": row.last_seen_at.isoformat(),
                "ip_address": row.ip,
                "browser": row.user_agent,
            }
            for row in sessions_of(user)
        ],
    }


def erase_security(user: User) -> None:
    """Sign out everywhere; the rows themselves go with the account."""
    end_sessions(user)
