"""The options of a search: which part of its picture, and which pictures may be results."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from config.errors import Rejected
from mlcore.index import VectorIndex
from retrieval.datasets.services.classes import class_totals
from retrieval.models import Dataset, Image, Index, Search

WHOLE = (0.0, 0.0, 1.0, 1.0)


class SearchColumns(TypedDict):
    """Options as the columns of a search's row."""

    box: list[float] | None
    threshold: float | None
    filters: dict[str, list[str] | list[list[int]]]
    more: list[int]
    less: list[int]


@dataclass(frozen=True)
class SearchOptions:
    """What a refinement may change of a search.

    box: left, top, right, bottom, 0 to 1 of the upright picture; None is the whole. threshold: the minimum
    similarity, -1 to 1. splits and classes (data set, label) limit the results. more_like and less_like: images that
    the query embedding is moved towards and away from.

    Raises:
        Rejected: a box or threshold out of range, an unknown split, an image in more_like and less_like.
    """

    box: tuple[float, ...] | None = None
    threshold: float | None = None
    splits: tuple[str, ...] = ()
    classes: tuple[tuple[int, int], ...] = ()
    more_like: tuple[int, ...] = ()
    less_like: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check every option that needs no database."""
        if self.box is not None:
            _check_box(self.box)
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise Rejected(f"the minimum similarity is -1 to 1, not {self.threshold:g}", field="threshold")
        for split in self.splits:
            if split not in Image.Split.values:
                raise Rejected(
                    f"there is no split {split!r}; choose among {', '.join(Image.Split.values)}", field="filters"
                )
        for image in set(self.more_like) & set(self.less_like):
            raise Rejected(f"picture {image} is in more_like and in less_like; leave it out of one")

    def fields(self) -> SearchColumns:
        """Return them as the columns of a search's row."""
        filters: dict[str, list[str] | list[list[int]]] = {
            "splits": list(self.splits),
            "classes": [list(pair) for pair in self.classes],
        }
        return {
            "box": None if self.box in (None, WHOLE) else [round(share, 4) for share in self.box or ()],
            "threshold": self.threshold,
            "filters": {name: values for name, values in filters.items() if values},
            "more": list(dict.fromkeys(self.more_like)),
            "less": list(dict.fromkeys(self.less_like)),
        }

    def check_classes(self, datasets: Sequence[Dataset]) -> None:
        """Refuse classes that the data sets do not have."""
        if not self.classes:
            return
        searched = {dataset.pk: dataset for dataset in datasets}
        totals = class_totals(datasets)
        for pk, label in self.classes:
            if pk not in searched:
                raise Rejected(
                    f"class {label} is of data set {pk}, which is not searched; add that data set", field="filters"
                )
            if not 0 <= label < totals.get(pk, 0):
                raise Rejected(f"{searched[pk].name} has no class {label}", field="filters")


def options_of(search: Search) -> SearchOptions:
    """Return the options of a stored search."""
    return SearchOptions(
        box=None if search.box is None else tuple(search.box),
        threshold=search.threshold,
        splits=tuple(search.filters.get("splits", ())),
        classes=tuple((dataset, label) for dataset, label in search.filters.get("classes", ())),
        more_like=tuple(search.more),
        less_like=tuple(search.less),
    )


class OptionChanges(TypedDict, total=False):
    """Fields of SearchOptions that a refinement changes."""

    box: tuple[float, ...] | None
    threshold: float | None
    splits: tuple[str, ...]
    classes: tuple[tuple[int, int], ...]
    more_like: tuple[int, ...]
    less_like: tuple[int, ...]


def changed_options(search: Search, datasets: Sequence[Dataset], changes: OptionChanges) -> SearchOptions:
    """Return the options of a search with `changes`.

    Classes of data sets that are no longer searched are dropped. An image that is now in more_like or less_like leaves
    the other.

    Raises:
        Rejected: the changes make no sense.
    """
    before, searched = options_of(search), {dataset.pk for dataset in datasets}
    changed = {*changes.get("more_like", ()), *changes.get("less_like", ())}
    kept: OptionChanges = {
        "classes": tuple(pair for pair in before.classes if pair[0] in searched),
        "more_like": tuple(image for image in before.more_like if image not in changed),
        "less_like": tuple(image for image in before.less_like if image not in changed),
    }
    changes = {**kept, **changes}
    return replace(before, **changes)


def _check_box(box: Sequence[float]) -> None:
    if len(box) != 4 or not all(math.isfinite(share) for share in box):
        raise Rejected("a box is four numbers: left, top, right and bottom, each 0 to 1", field="box")
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        shown = ", ".join(f"{share:g}" for share in box)
        raise Rejected(
            f"a box lies within the picture, left before right and top above bottom; got {shown}", field="box"
        )


def allowed_ids(search: Search, dataset: int) -> Collection[int] | None:
    """Return the only images of a data set that may be results, None where the search has no filter."""
    splits, classes = search.filters.get("splits"), search.filters.get("classes")
    if not splits and not classes:
        return None
    pictures = Image.objects.filter(dataset=dataset)
    if splits:
        pictures = pictures.filter(split__in=splits)
    if classes:
        pictures = pictures.filter(label__in=[label for pk, label in classes if pk == dataset])
    return frozenset(pictures.values_list("pk", flat=True))


def hidden_ids(index: Index, vectors: VectorIndex) -> frozenset[int]:
    """Return the images in an index that a curator hid or deleted since."""
    images = Image.objects.filter(dataset=index.dataset_id)
    if index.revision == index.dataset.revision:  # nothing was deleted since
        return index.dataset.hidden_keys
    return frozenset(vectors.ids.tolist()) - frozenset(images.filter(hidden=False).values_list("pk", flat=True))


MOST_OFFERED = 12  # classes for a typed part of a name


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """A class to limit results to. value: `data set:label`, both keys."""

    value: str
    name: str
    dataset: str


def find_classes(
    datasets: Sequence[Dataset], selected: Collection[str], text: str
) -> tuple[list[ClassChoice], list[ClassChoice]]:
    """Return the selected classes of the data sets, and the first others whose name contains `text`.

    `selected` has values of ClassChoice; those of no such class are left out. Without a text nothing is offered.
    """
    values, part = set(selected), text.strip().casefold()
    if not values and not part:
        return [], []
    kept: list[ClassChoice] = []
    offered: list[ClassChoice] = []
    for dataset in datasets:
        for label, name in dataset.classes.values_list("label", "name"):
            choice = ClassChoice(f"{dataset.pk}:{label}", name, dataset.name)
            if choice.value in values:
                kept.append(choice)
            elif part and part in name.casefold() and len(offered) < MOST_OFFERED:
                offered.append(choice)
    return kept, offered
