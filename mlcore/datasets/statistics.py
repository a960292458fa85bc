"""The counts of a data set: pictures and classes by split, and classes whose queries have no match."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mlcore.datasets.catalogue import Picture
from mlcore.datasets.source import GALLERY, QUERY, is_held_out


def count_pictures(classes: Sequence[str], rows: Sequence[Picture]) -> dict[str, Any]:
    """Return the counts of an `ImportReport`; classes without a picture are not counted."""
    held_out = [row for row in rows if is_held_out(row.split)]
    used, test_classes = {row.label for row in rows}, {row.label for row in held_out}
    return {
        "images": len(rows),
        "classes": len(used),
        "train_images": len(rows) - len(held_out),
        "test_images": len(held_out),
        "train_classes": len(used) - len(test_classes),
        "test_classes": len(test_classes),
        "query_images": sum(row.split == QUERY for row in rows),
        "singleton_classes": tuple(classes[label] for label in _without_match(rows)),
    }


def _without_match(rows: Sequence[Picture]) -> list[int]:
    """Return the labels with a query that has no other picture of its class to find, ascending."""
    splits: dict[int, Counter[str]] = {}
    for row in rows:
        splits.setdefault(row.label, Counter())[row.split] += 1
    alone = {label for label, of in splits.items() if of.total() == 1 and not of[GALLERY]}
    return sorted(alone | {label for label, of in splits.items() if of[QUERY] and not of[GALLERY]})
