"""The classes of a data set: found by name, made, joined; and the split that goes with each.

A label is a place in `Dataset.classes` and never moves, for models remember labels: a class that was merged
into another keeps its place, without pictures.
"""

from django.db.models import Q

from config.errors import Rejected
from retrieval.models import Dataset, Image

NAME_LENGTH = 200
HALVES = ("train", "held out")


def live_labels(row: Dataset) -> set[int]:
    """Return the labels that have a picture, hidden ones included."""
    return set(row.images.order_by().values_list("label", flat=True).distinct())


def labels_by_name(row: Dataset) -> dict[str, int]:
    """Return the label of each class that has a picture, by its name in lower case."""
    live = live_labels(row)
    labels: dict[str, int] = {}
    for label, name in enumerate(row.classes):
        if label in live:
            labels.setdefault(name.casefold(), label)
    return labels


def find_class(row: Dataset, name: str) -> int | None:
    """Return the label of the class of that name, upper and lower case being one; None when there is none."""
    return labels_by_name(row).get(name.strip().casefold())


def labels_named(row: Dataset, name: str) -> list[int]:
    """Return the labels of that name, merged away or not; upper and lower case are one."""
    wanted = name.strip().casefold()
    return [label for label, known in enumerate(row.classes) if known.casefold() == wanted]


def class_named(row: Dataset, name: str) -> int:
    """Return the label of the class of that name.

    Raises:
        Rejected: there is none.
    """
    label = find_class(row, name)
    if label is None:
        raise Rejected(
            f"{row.name} has no class {name.strip()[:NAME_LENGTH]!r}; choose one of its classes, or make it new"
        )
    return label


def new_class(row: Dataset, name: str) -> int:
    """Give a class a place in the row, which the caller saves; return its label.

    Raises:
        Rejected: the name is empty, too long, or taken.
    """
    row.classes = [*row.classes, checked_name(row, name)]
    return len(row.classes) - 1


def checked_name(row: Dataset, name: str) -> str:
    """Return a name that no class of the data set has yet.

    Raises:
        Rejected: it is empty, too long, or taken.
    """
    words = fit_name(name)
    if find_class(row, words) is not None:
        raise Rejected(f"{row.name} has a class {words!r} already; move the pictures there, or merge the two")
    return words


def fit_name(name: str) -> str:
    """Return what a class may be called, without superfluous spaces.

    Raises:
        Rejected: it is empty or too long.
    """
    words = " ".join(name.split())
    if not words or len(words) > NAME_LENGTH or not words.isprintable():
        raise Rejected(f"a class needs a name of 1 to {NAME_LENGTH} printable characters")
    return words


def split_in(row: Dataset, label: int, half: str = "") -> str:
    """Return the split of pictures that join a class; `half` says it for a class without pictures.

    A class is trained on or held out as a whole. Where the data set has queries, what joins is found only.

    Raises:
        Rejected: the class has no picture, and no half was chosen.
    """
    split = row.images.filter(label=label).values_list("split", flat=True).first()
    if split is None and half not in HALVES:
        raise Rejected(f"say whether the new class {row.classes[label]!r} is trained on or held out")
    if (split or half) == Image.Split.TRAIN:
        return Image.Split.TRAIN
    parted = row.images.filter(split__in=(Image.Split.QUERY, Image.Split.GALLERY)).exists()
    return Image.Split.GALLERY if parted else Image.Split.TEST


def move_to_class(row: Dataset, pictures: list[int], label: int, half: str = "") -> int:
    """Give pictures a class and the split that goes with it; return how many changed.

    A query stays a query and a gallery picture one of the gallery where both classes are held out.
    """
    split = split_in(row, label, half)
    moving = row.images.filter(pk__in=pictures).exclude(label=label)
    count = moving.count()
    keeps = Q(split__in=(Image.Split.QUERY, Image.Split.GALLERY)) if split == Image.Split.GALLERY else Q(pk__in=[])
    kept = list(moving.filter(keeps).values_list("pk", flat=True))
    row.images.filter(pk__in=kept).update(label=label)
    row.images.filter(pk__in=pictures).exclude(label=label).update(label=label, split=split)
    return count
