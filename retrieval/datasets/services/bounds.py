"""Bounds of every change of pictures: how many at once, and how many must stay visible."""

from collections.abc import Collection, Sequence

from config.errors import Rejected
from mlcore.datasets.splits import MIN_TEST_CLASSES, MIN_TRAIN_CLASSES, check_splits
from mlcore.errors import DatasetError
from retrieval.models import Dataset, Image, ImageQuerySet

MOST_PICTURES = 5000
"""Selected at once: fewer than the parameters of one SQL query."""

HELD_OUT = (Image.Split.TEST, Image.Split.QUERY, Image.Split.GALLERY)
FEWEST_PICTURES = 2
"""Visible: an index needs two."""


def checked_choice(row: Dataset, pictures: Sequence[int]) -> list[int]:
    """Return the selected ids, each once.

    Raises:
        Rejected: none or too many are selected, or one is not of the data set.
    """
    selected = list(dict.fromkeys(pictures))
    if not selected:
        raise Rejected("select at least one picture")
    if len(selected) > MOST_PICTURES:
        raise Rejected(f"select at most {MOST_PICTURES:,} pictures at once, not {len(selected):,}")
    present = set(row.images.filter(pk__in=selected).values_list("pk", flat=True))
    unknown = [pk for pk in selected if pk not in present]
    if unknown:
        raise Rejected(f"{row.name} has no picture {unknown[0]}; reload the page")
    return selected


def require_enough(row: Dataset, without: Collection[int] = ()) -> None:
    """Raise Rejected where fewer visible pictures than an index needs would stay, `without` those to be removed."""
    left = row.images.filter(hidden=False).exclude(pk__in=without).order_by("pk")
    if len(left.values_list("pk", flat=True)[:FEWEST_PICTURES]) < FEWEST_PICTURES:
        raise Rejected(f"{row.name} must keep at least two visible pictures; delete the data set instead")


def require_both_splits(row: Dataset, without: Collection[int] = ()) -> None:
    """Raise Rejected where too few classes for training and evaluation would stay; `without` as above."""
    if not row.labelled:
        return
    shown = row.images.filter(hidden=False).exclude(pk__in=without)
    if _has_classes(shown, [Image.Split.TRAIN], MIN_TRAIN_CLASSES) and _has_classes(shown, HELD_OUT, MIN_TEST_CLASSES):
        return
    try:
        check_splits(shown.order_by().values_list("label", "split").distinct())
    except DatasetError as error:
        raise Rejected(str(error)) from error


def _has_classes(images: ImageQuerySet, splits: Sequence[str], enough: int) -> bool:
    """Say whether pictures of these splits are of so many classes, by a look at one picture of each of these."""
    labels: set[int] = set()
    for split in splits:
        own = images.filter(split=split).order_by("label").values_list("label", flat=True)
        label = own.first()
        while label is not None and len(labels) < enough:
            labels.add(label)
            label = own.filter(label__gt=label).first()
    return len(labels) >= enough


def counted(pictures: int) -> str:
    """Return how many pictures, in words."""
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"
