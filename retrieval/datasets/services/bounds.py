"""What every change of pictures keeps to: what may be chosen at once, and what has to be left."""

from collections.abc import Collection, Sequence

from config.errors import Rejected
from mlcore.datasets.splits import check_splits
from mlcore.errors import DatasetError
from retrieval.models import Dataset

MOST_PICTURES = 5000
"""Chosen at once: fewer than a database takes in one question."""

FEWEST_PICTURES = 2
"""Shown: what an index needs."""


def checked_choice(row: Dataset, pictures: Sequence[int]) -> list[int]:
    """Return the keys that were chosen, each once.

    Raises:
        Rejected: none or too many are chosen, or one is not of the data set.
    """
    chosen = list(dict.fromkeys(pictures))
    if not chosen:
        raise Rejected("choose at least one picture")
    if len(chosen) > MOST_PICTURES:
        raise Rejected(f"choose at most {MOST_PICTURES:,} pictures at once, not {len(chosen):,}")
    known = set(row.images.filter(pk__in=chosen).values_list("pk", flat=True))
    unknown = [pk for pk in chosen if pk not in known]
    if unknown:
        raise Rejected(f"{row.name} has no picture {unknown[0]}; look at the page again")
    return chosen


def require_enough(row: Dataset, without: Collection[int] = ()) -> None:
    """Refuse to leave fewer pictures than an index needs; `without` those that are about to go."""
    if row.images.filter(hidden=False).exclude(pk__in=without).count() < FEWEST_PICTURES:
        raise Rejected(f"{row.name} needs two pictures that are shown; delete the data set instead")


def require_halves(row: Dataset, without: Collection[int] = ()) -> None:
    """Refuse classes that could no longer be learned from and measured on; `without` as above."""
    if not row.labelled:
        return
    shown = row.images.filter(hidden=False).exclude(pk__in=without)
    try:
        check_splits(shown.order_by().values_list("label", "split").distinct())
    except DatasetError as error:
        raise Rejected(str(error)) from error


def counted(pictures: int) -> str:
    """Return how many pictures, in words."""
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"
