"""The counts of a data set: pictures and classes by split, and classes whose queries have no match."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from mlcore.datasets.source import GALLERY, QUERY, is_held_out


class Placed(Protocol):
    """A picture with its class and split, read or not yet."""

    @property
    def label(self) -> int:
        """Its index among the classes."""

    @property
    def split(self) -> str:
        """One of mlcore.datasets.source.SPLITS."""


Tally = Mapping[tuple[int, str], int]
"""How many pictures each label has in each split."""


def tally(rows: Iterable[Placed]) -> Tally:
    """Count pictures by label and split, in one pass."""
    return Counter((row.label, row.split) for row in rows)


def count_pictures(classes: Sequence[str], rows: Iterable[Placed]) -> dict[str, Any]:
    """Return the counts of an `ImportReport`; classes without a picture are not counted."""
    return counts_of(classes, tally(rows))


def counts_of(classes: Sequence[str], pictures: Tally) -> dict[str, Any]:
    """Return the counts of an `ImportReport` by a tally."""
    held_out = {place: count for place, count in pictures.items() if is_held_out(place[1])}
    used, test_classes = {label for label, _ in pictures}, {label for label, _ in held_out}
    images, test_images = sum(pictures.values()), sum(held_out.values())
    return {
        "images": images,
        "classes": len(used),
        "train_images": images - test_images,
        "test_images": test_images,
        "train_classes": len(used) - len(test_classes),
        "test_classes": len(test_classes),
        "query_images": sum(count for (_, split), count in held_out.items() if split == QUERY),
        "singleton_classes": tuple(classes[label] for label in without_match(pictures)),
    }


def without_match(pictures: Tally) -> list[int]:
    """Return the labels with a query that has no other picture of its class to find, ascending."""
    totals: Counter[int] = Counter()
    for (label, _), count in pictures.items():
        totals[label] += count
    alone = {label for (label, split) in pictures if totals[label] == 1 and split != GALLERY}
    return sorted(alone | {label for label, split in pictures if split == QUERY and not pictures.get((label, GALLERY))})
