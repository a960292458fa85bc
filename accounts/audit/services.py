"""The audit trail: what curators, admins and the system changed, kept for good."""

from collections.abc import Mapping, Sequence

from django.db.models import Q, QuerySet

from accounts.models import AuditEntry, User

THE_SYSTEM = "the system"
FORMER_MEMBER = "a former member"
TARGET_LENGTH = 200  # what the database's column holds
JSON = str | int | float | bool | None | Sequence[object] | Mapping[str, object]


def record(by: User | None, action: str, target: str, **details: JSON) -> None:
    """Write one entry; call it in the transaction of the change. `by` None is the system.

    action: a verb and a noun, as in `delete-dataset`; target: what people call the thing that was changed.
    """
    name = by.display_name or by.email if by else THE_SYSTEM
    AuditEntry.objects.create(who=by, who_name=name[:80], action=action, target=target[:TARGET_LENGTH], details=details)


def record_about(by: User | None, action: str, person: User, **details: JSON) -> None:
    """Write one entry about a person's account; should that be erased, its address leaves the entry too."""
    record(by, action, person.email, account=person.pk, **details)


def entries_of(user: User) -> QuerySet[AuditEntry]:
    """Return what `user` did, and what was done to the account."""
    return AuditEntry.objects.filter(Q(who=user) | Q(details__account=user.pk))


def export_entries(user: User) -> list[dict[str, object]]:
    """Return the entries by and about `user`, for the export of personal data."""
    return [
        {
            "created_at": entry.at.isoformat(),
            "user_name": entry.who_name,
            "action": entry.action,
            "target": entry.target,
        }
        for entry in entries_of(user)
    ]


def forget_person(user: User) -> None:
    """Take `user` out of the trail: what was done stays, by and about a former member."""
    AuditEntry.objects.filter(who=user).update(who=None, who_name=FORMER_MEMBER)
    AuditEntry.objects.filter(details__account=user.pk).update(target=FORMER_MEMBER)
