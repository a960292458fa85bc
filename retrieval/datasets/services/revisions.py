"""Follow-ups of a new revision of a data set, such as the rebuild of its indexes.

Subjects above register theirs in `AppConfig.ready()`.
"""

from typing import Protocol

from accounts.models import User
from retrieval.models import Dataset


class FollowUp(Protocol):
    """Called after the pictures of a data set changed, in the transaction of the change; `by` None is the system."""

    def __call__(self, dataset: Dataset, *, by: User | None) -> None: ...


_FOLLOW_UPS: list[FollowUp] = []


def register(follow_up: FollowUp) -> None:
    """Register a follow-up of every new revision."""
    if follow_up not in _FOLLOW_UPS:
        _FOLLOW_UPS.append(follow_up)


def follow_up_revision(dataset: Dataset, *, by: User | None) -> None:
    """Run all follow-ups of a new revision."""
    for follow_up in _FOLLOW_UPS:
        follow_up(dataset, by=by)
