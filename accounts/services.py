"""Every rule about accounts, roles and tokens."""

from datetime import timedelta
from hmac import compare_digest
from typing import cast

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from knox.crypto import hash_token
from knox.settings import CONSTANTS

from accounts import audit, personal_data
from accounts.admins import held, require_another_admin
from accounts.errors import AccountError, UnconfirmedError
from accounts.models import ApiToken, User
from accounts.roles import Role, given_role, holds, role_of
from accounts.security import services as security
from config.compiled_queries import CompiledQuery

USUAL_LIFETIME = cast(timedelta, settings.REST_KNOX["TOKEN_TTL"])  # of a token, unless given
LAST_USED_EVERY = timedelta(minutes=1)  # a busy program must not write a row a request


@transaction.atomic
def create_account(email: str, password: str | None, role: Role | str, display_name: str) -> User:
    """Return a new account with its role, whose address is taken for confirmed: who calls this vouches for it.

    Without a password it can sign in by a reset mail only, which confirms the address.

    Raises:
        AccountError: the e-mail is malformed or taken, the password is weak, the role is unknown.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
        if password is not None:
            validate_password(password, User(email=email, display_name=display_name))
    except ValidationError as error:
        raise AccountError(f"{email!r}: {' '.join(error.messages)}") from None
    if User.objects.filter(email__iexact=email).exists():
        raise AccountError(f"{email!r} has an account already; sign in, or reset its password")
    if security.is_taken(email):
        raise AccountError(f"{email!r} belongs to an account already, as a further address; use that account")
    user = User.objects.create_user(email, password, display_name=display_name)
    if password is not None:
        security.confirm_address(user)
    set_role(user, role)
    return user


@transaction.atomic
def set_role(user: User, role: Role | str, *, by: User | None = None) -> None:
    """Give `user` that one role. An admin may also enter the admin site, others may not. `by` None is the system.

    Raises:
        AccountError: no such role, the account is gone, its address is not confirmed, or nobody would be admin.
    """
    if role not in set(Role):
        raise AccountError(f"no role named {role!r}; known: {', '.join(Role)}")
    now = held(user)
    if role != Role.ADMIN:
        require_another_admin(now)
    require_confirmed(now, role)
    before = given_role(now)
    user.groups.set([*user.groups.exclude(name__in=list(Role)), Group.objects.get_or_create(name=str(role))[0]])
    user.__dict__.pop("group_names", None)  # read again at the next question
    user.is_staff = user.is_superuser = role == Role.ADMIN
    user.save(update_fields=["is_staff", "is_superuser"])
    if before != role and (before or by):  # the role that a sign-up begins with is no news
        audit.record_about(by, "change-role", user, before=before, now=str(role))


def rename(user: User, display_name: str) -> None:
    """Change what others see of a person."""
    user.display_name = display_name
    user.save(update_fields=["display_name"])


def require_confirmed(user: User, role: Role | str) -> None:
    """Refuse to raise an account that somebody can sign in to without having shown that its address is theirs.

    Raises:
        AccountError: `role` is above that of an unconfirmed account.
    """
    ranks = [None, *Role]
    rises = role != Role.MEMBER and ranks.index(Role(role)) > ranks.index(given_role(user))
    if rises and user.has_usable_password() and not security.is_confirmed(user):
        raise AccountError(
            f"{user.email} is not confirmed, so the account may belong to somebody else; "
            "invite that address, and its owner gets the account and the role"
        )


@transaction.atomic
def create_token(
    user: User, name: str, read_only: bool = False, lifetime: timedelta | None = None
) -> tuple[ApiToken, str]:
    """Return a new token's row and its secret, which is stored nowhere and shown once.

    lifetime: how long it is valid; None is for ever. The owner is told by mail.

    Raises:
        AccountError: no name, a lifetime that is not positive, as many tokens as a person may have, an address that is
            not confirmed, or a password that was changed since `user` was read.
    """
    name = name.strip()
    if not name:
        raise AccountError("a token needs a name; name the program that uses it")
    if lifetime is not None and lifetime <= timedelta(0):
        raise AccountError(f"a token's lifetime must be positive, got {lifetime}")
    _require_room_for_token(user)
    row, secret = ApiToken.objects.create(user=user, expiry=lifetime, name=name[:80], read_only=read_only)
    audit.record(user, "make-token", row.name, account=user.pk, read_only=read_only)
    transaction.on_commit(lambda: security.tell(user, "token_created", token=row), robust=True)
    return cast(ApiToken, row), secret


def _require_room_for_token(user: User) -> None:
    """Hold the account's row, so that neither a second request nor a new password comes between."""
    stored = User.objects.select_for_update().get(pk=user.pk)
    if stored.password != user.password:
        raise AccountError("the password was changed meanwhile; sign in again")
    if not security.is_confirmed(user):
        raise UnconfirmedError(f"confirm {user.email} first; an unconfirmed account cannot create tokens")
    if tokens_of(user).count() >= settings.TOKENS_PER_PERSON:
        raise AccountError(f"you have {settings.TOKENS_PER_PERSON} tokens, the most allowed; revoke one first")


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Return the account's live tokens, newest first."""
    alive = Q(expiry__isnull=True) | Q(expiry__gt=timezone.now())
    return cast(QuerySet[ApiToken], ApiToken.objects.filter(alive, user=user))


@transaction.atomic
def revoke_token(token: ApiToken, *, by: User) -> None:
    """Make the token's secret worthless from now on; doing it twice is no error."""
    gone, _ = ApiToken.objects.filter(pk=token.pk).delete()
    if gone:
        audit.record(by, "revoke-token", token.name, account=token.user_id)


_tokens_with_groups = CompiledQuery[ApiToken](
    lambda key: (
        ApiToken.objects.filter(token_key=key).select_related("user").annotate(group=F("user__groups__name"))
    )  # a row for each group of the account
)


def find_token(secret: str) -> ApiToken | None:
    """Return the valid token with this secret, with its account and the account's groups; None where there is none."""
    digest = hash_token(secret)
    rows = _tokens_with_groups(secret[: CONSTANTS.TOKEN_KEY_LENGTH])
    own = [row for row in rows if compare_digest(row.digest, digest)]
    if not own or _is_expired(own[0]):
        return None
    token = own[0]
    token.user.group_names = frozenset(row.group for row in own if row.group is not None)
    return token


def find_no_token() -> None:
    """Look for a token that nobody has, so that the first request with one finds its query made."""
    find_token("")


def _is_expired(token: ApiToken) -> bool:
    return token.expiry is not None and token.expiry < timezone.now()


def note_token_use(token: ApiToken) -> None:
    """Remember that the token was used, to the minute, and delete the account's expired ones as seldom."""
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at >= now - LAST_USED_EVERY:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USED_EVERY)
    if ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now):
        ApiToken.objects.filter(user=token.user_id, expiry__lt=now).delete()


def export_account(user: User) -> dict[str, object]:
    """Return account and tokens of `user` for the export of personal data."""
    return {
        "email": user.email,
        "display_name": user.display_name,
        "role": role_of(user),
        "created_at": user.date_joined.isoformat(),
        "last_signed_in_at": user.last_login.isoformat() if user.last_login else None,
        "tokens": [
            {
                "name": token.name,
                "read_only": token.read_only,
                "created_at": token.created.isoformat(),
                "expires_at": token.expiry.isoformat() if token.expiry else None,
                "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
            }
            for token in ApiToken.objects.filter(user=user)
        ],
    }


def erase_account(user: User) -> None:
    """Delete the row, and with it tokens and addresses; the admin site's log keeps what was done, without the name."""
    _log_entries_about(user).update(object_repr="a deleted account", change_message="")
    user.delete()


def _log_entries_about(user: User) -> QuerySet[LogEntry]:
    """Return what the admin site wrote of the account, its e-mail addresses and its tokens."""
    about = Q(pk__in=())
    for rows in ([user], user.emailaddress_set.all(), ApiToken.objects.filter(user=user)):  # type: ignore[attr-defined]  # allauth's, untyped
        for row in rows:
            about |= Q(content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk))
    return LogEntry.objects.filter(about)


@transaction.atomic
def delete_account(user: User) -> None:
    """Erase everything known of `user`, in every app.

    Raises:
        AccountError: `user` is the only admin, or gone already.
    """
    require_another_admin(held(user))
    if holds(user, Role.CURATOR):
        audit.record_about(user, "delete-account", user, role=role_of(user))
    personal_data.erase_all(user)
