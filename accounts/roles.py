"""The three roles. Each is a Django group; each can do what the ones before it can."""

from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from accounts.models import User


class Role(StrEnum):
    """What a person may do here."""

    MEMBER = "member"  # search, rate, download
    CURATOR = "curator"  # data sets, trainings, models, indexes
    ADMIN = "admin"  # users, and everything raw


MEANINGS = {
    Role.MEMBER: "Members search, rate and download published models.",
    Role.CURATOR: "Curators also run the lab: data sets, experiments, models, indexes.",
    Role.ADMIN: "Admins also run the lab, and manage people.",
}
"""What each role may do."""

Visitor = User | AnonymousUser


def given_role(user: User) -> Role | None:
    """Return the highest role that the account was given, active or not."""
    return next((role for role in reversed(Role) if role.value in user.group_names), None)


def role_of(user: Visitor) -> Role | None:
    """Return the highest role, or None for a visitor who has not signed in."""
    return given_role(user) if isinstance(user, User) and user.is_active else None


def is_member(user: Visitor) -> bool:
    """Say whether this is somebody who signed in and has any role."""
    return role_of(user) is not None


def holds(user: Visitor, least: Role) -> bool:
    """Say whether the account was given that role or a higher one."""
    ranks = list(Role)
    role = role_of(user)
    return role is not None and ranks.index(role) >= ranks.index(least)


ASKS_SECOND_FACTOR = {"none": None, "admins": Role.ADMIN, "curators": Role.CURATOR}


def lacks_second_factor(user: Visitor) -> bool:
    """Say whether the role asks for a second factor that is not set up; a role gives nothing until it is."""
    least = ASKS_SECOND_FACTOR[settings.REQUIRE_2FA]
    return isinstance(user, User) and least is not None and holds(user, least) and not user.has_second_factor


def is_curator(user: Visitor) -> bool:
    """Say whether this is somebody who may act as a curator: a curator or an admin."""
    return holds(user, Role.CURATOR) and not lacks_second_factor(user)


def is_admin(user: Visitor) -> bool:
    """Say whether this is somebody who may act as an admin."""
    return holds(user, Role.ADMIN) and not lacks_second_factor(user)
