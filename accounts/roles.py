"""The three roles. Each is a Django group; each can do what the ones before it can."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser

from accounts.models import User


class Role(StrEnum):
    """What a person may do here."""

    MEMBER = "member"  # search, rate, download
    CURATOR = "curator"  # data sets, trainings, models, indexes
    ADMIN = "admin"  # users, and everything raw


Visitor = User | AnonymousUser


def role_of(user: Visitor) -> Role | None:
    """Return the highest role, or None for a visitor who has not signed in."""
    if not isinstance(user, User) or not user.is_active:
        return None
    return next((role for role in reversed(Role) if role.value in user.group_names), None)


def is_member(user: Visitor) -> bool:
    """Say whether this is somebody who signed in and has any role."""
    return role_of(user) is not None


def is_curator(user: Visitor) -> bool:
    """Say whether this is a curator or an admin."""
    return role_of(user) in (Role.CURATOR, Role.ADMIN)


def is_admin(user: Visitor) -> bool:
    """Say whether this is an admin."""
    return role_of(user) is Role.ADMIN
