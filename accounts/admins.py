"""Checks of who is admin, under a lock: two admins at once must not leave the site without one."""

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied

from accounts.errors import AccountError
from accounts.models import User
from accounts.roles import Role, is_admin, role_of


def held(user: User) -> User:
    """Return the account as it is now, and keep everybody else from changing who is admin until the transaction ends.

    The group's row stands for all admins, so there is one lock and no order to take them in. SQLite has no such lock
    and needs none: its transactions begin by being the only writer.

    Raises:
        AccountError: the account is gone.
    """
    group, _ = Group.objects.get_or_create(name=Role.ADMIN)
    Group.objects.select_for_update(no_key=True).get(pk=group.pk)  # no_key: who only joins the group does not wait
    now = User.objects.filter(pk=user.pk).first()
    if now is None:
        raise AccountError(f"the account of {user.email} is gone")
    return now


def require_admin(by: User) -> None:
    """Refuse whoever is no admin now, whatever the account was when the request began.

    Raises:
        PermissionDenied: `by` is no admin.
    """
    now = User.objects.filter(pk=by.pk).first()
    if now is None or not is_admin(now):
        raise PermissionDenied("only an admin may do this to an account")


def require_another_admin(account: User) -> None:
    """Refuse what would leave the site without an admin; call it with an account that is `held`.

    Raises:
        AccountError: it is the only active admin.
    """
    others = User.objects.filter(groups__name=Role.ADMIN, is_active=True).exclude(pk=account.pk)
    if role_of(account) is Role.ADMIN and not others.exists():
        raise AccountError(f"{account.email} is the only admin; make somebody else admin first")
