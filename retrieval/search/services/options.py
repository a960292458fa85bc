"""How a search is asked, beside its picture: which part of it, and what may answer."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from config.errors import Rejected
from mlcore.index import VectorIndex
from retrieval.datasets.services.classes import class_totals
from retrieval.models import Dataset, Image, Index, Search

WHOLE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Terms:
    """What may be changed of a search, and asked again.

    box: left, top, right, bottom, 0 to 1 of the upright picture; None is the whole. threshold: lowest cosine
    shown. splits and classes (data set, label) keep only those pictures. more and less: pictures that the query
    is moved towards and away from.

    Raises:
        Rejected: a box or threshold out of range, an unknown split, a picture that is moved towards and away from.
    """

    box: tuple[float, ...] | None = None
    threshold: float | None = None
    splits: tuple[str, ...] = ()
    classes: tuple[tuple[int, int], ...] = ()
    more: tuple[int, ...] = ()
    less: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no search could mean."""
        if self.box is not None:
            _check_box(self.box)
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise Rejected(f"the lowest similarity is a cosine, -1 to 1, not {self.threshold:g}", field="threshold")
        for split in self.splits:
            if split not in Image.Split.values:
                raise Rejected(
                    f"there is no split {split!r}; choose among {', '.join(Image.Split.values)}", field="filters"
                )
        for picture in set(self.more) & set(self.less):
            raise Rejected(f"picture {picture} cannot be both more and less like what is looked for")

    def fields(self) -> dict[str, Any]:
        """Return what a search keeps of them, as its fields."""
        filters = {"splits": list(self.splits), "classes": [list(pair) for pair in self.classes]}
        return {
            "box": None if self.box in (None, WHOLE) else [round(share, 4) for share in self.box or ()],
            "threshold": self.threshold,
            "filters": {name: chosen for name, chosen in filters.items() if chosen},
            "more": list(dict.fromkeys(self.more)),
            "less": list(dict.fromkeys(self.less)),
        }

    def check_classes(self, datasets: Sequence[Dataset]) -> None:
        """Refuse classes that the data sets do not have."""
        if not self.classes:
            return
        known = {dataset.pk: dataset for dataset in datasets}
        totals = class_totals(datasets)
        for pk, label in self.classes:
            if pk not in known:
                raise Rejected(
                    f"class {label} of data set {pk} cannot answer: that set is not searched", field="filters"
                )
            if not 0 <= label < totals.get(pk, 0):
                raise Rejected(f"{known[pk].name} has no class {label}", field="filters")


def terms_of(search: Search) -> Terms:
    """Return how a search was asked."""
    return Terms(
        box=None if search.box is None else tuple(search.box),
        threshold=search.threshold,
        splits=tuple(search.filters.get("splits", ())),
        classes=tuple((dataset, label) for dataset, label in search.filters.get("classes", ())),
        more=tuple(search.more),
        less=tuple(search.less),
    )


def changed_terms(search: Search, datasets: Sequence[Dataset], changes: dict[str, Any]) -> Terms:
    """Return how a search was asked, but for `changes`, fields of Terms; what is said now wins.

    Classes of sets that are searched no more fall away; what moves the query one way now moves it the other no more.

    Raises:
        Rejected: the changes make no sense.
    """
    kept, searched = terms_of(search), {dataset.pk for dataset in datasets}
    said = {*changes.get("more", ()), *changes.get("less", ())}
    still = {
        "classes": tuple(pair for pair in kept.classes if pair[0] in searched),
        "more": tuple(picture for picture in kept.more if picture not in said),
        "less": tuple(picture for picture in kept.less if picture not in said),
    }
    return replace(kept, **{**still, **changes})


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
    """Return the only pictures of a data set that may answer, None where the search has no filter."""
    splits, classes = search.filters.get("splits"), search.filters.get("classes")
    if not splits and not classes:
        return None
    pictures = Image.objects.filter(dataset=dataset)
    if splits:
        pictures = pictures.filter(split__in=splits)
    if classes:
        pictures = pictures.filter(label__in=[label for pk, label in classes if pk == dataset])
    return frozenset(pictures.values_list("pk", flat=True))


def withdrawn_ids(index: Index, vectors: VectorIndex) -> frozenset[int]:
    """Return the pictures that a curator hid or deleted, of those that an index still holds."""
    images = Image.objects.filter(dataset=index.dataset_id)
    if index.revision == index.dataset.revision:  # nothing was deleted since
        return frozenset(images.filter(hidden=True).values_list("pk", flat=True))
    return frozenset(vectors.ids.tolist()) - frozenset(images.filter(hidden=False).values_list("pk", flat=True))


MOST_FOUND = 12  # classes offered for what one types


def find_classes(
    datasets: Sequence[Dataset], chosen: Collection[str], text: str
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the chosen classes of the data sets, and the first others whose name holds `text`.

    A class is written `data set:label`, both keys; what no set has is left out. Without a text none is offered.
    """
    wanted, looked_for = set(chosen), text.strip().casefold()
    if not wanted and not looked_for:
        return [], []
    picked: list[dict[str, str]] = []
    found: list[dict[str, str]] = []
    for dataset in datasets:
        for label, name in dataset.classes.values_list("label", "name"):
            row = {"value": f"{dataset.pk}:{label}", "name": name, "dataset": dataset.name}
            if row["value"] in wanted:
                picked.append(row)
            elif looked_for and looked_for in row["name"].casefold() and len(found) < MOST_FOUND:
                found.append(row)
    return picked, found
