"""Revisions of a data set: which one a model was evaluated on, and what follows a new one, such as new indexes.

Subjects above register their follow-ups in `AppConfig.ready()`.
"""

from typing import Protocol

from accounts.models import User
from mlcore.artifacts import read_json
from retrieval.models import Dataset, Model


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


def measured_revision(model: Model) -> int | None:
    """Return the newest revision of its data set that equals the one a model was evaluated on.

    None where the model's files are gone or have no fingerprint.
    """
    try:
        about = read_json(model.folder_with("model.json") / "model.json")
    except (OSError, ValueError):
        return None
    return model.dataset.revisions.get(about.get("dataset", {}).get("fingerprint"))
