"""Pictures of a data set in the order that a person chooses, a page at a time, and their filters.

A page costs the same whether a data set has ten classes or five thousand: nothing is read of pictures that it does
not show, but for two counts.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Subquery

from accounts.roles import Visitor
from mlcore.errors import CheckpointError
from mlcore.evaluation.evaluate import PER_QUERY, read_per_query
from mlcore.evaluation.metric_table import HEADLINE
from retrieval.datasets.services.classes import labels_containing
from retrieval.datasets.services.long_lists import LongList, Slices, count_visible
from retrieval.models import Dataset, Image, ImageQuerySet, Model
from retrieval.registry.services.visibility import visible_models

ONE_EACH, BY_CLASS, HARDEST, NEWEST = "one", "class", "hardest", "newest"
ORDERS = {
    ONE_EACH: "One of each class first",
    BY_CLASS: "Class by class",
    HARDEST: "Hardest first",
    NEWEST: "Newest first",
}
MOST_CLASSES = 500
"""Classes whose names contain the words of a filter, and whose pictures it shows; labels in one SQL query."""


@dataclass(frozen=True)
class Filters:
    """What to show of a data set. words: of class names, all of them; label: of one class."""

    split: str = ""
    words: str = ""
    label: int | None = None


@dataclass(frozen=True)
class Difficulty:
    """The average precision of each query in a model's evaluation, from 0 to 1, the hardest first."""

    model: Model
    scores: dict[int, float]


def shown_pictures(dataset: Dataset, filters: Filters) -> ImageQuerySet:
    """Return the visible pictures that the filters keep."""
    images = Image.objects.filter(dataset=dataset, hidden=False)
    if filters.split:
        images = images.filter(split=filters.split)
    if filters.words:
        images = images.filter(label__in=labels_containing(dataset, filters.words, MOST_CLASSES))
    return images if filters.label is None else images.filter(label=filters.label)


def orders_of(dataset: Dataset, judge: Model | None) -> dict[str, str]:
    """Return the orders that a data set has, with their titles: without labels or a model that was evaluated, fewer."""
    return {
        order: title
        for order, title in ORDERS.items()
        if order == NEWEST or (dataset.labelled and (order != HARDEST or judge is not None))
    }


def judge_of(dataset: Dataset, user: Visitor) -> Model | None:
    """Return the published model with the best headline metric that stores the score of each query, or None."""
    models = visible_models(user).filter(dataset=dataset, published=True)
    measured = [model for model in models if model.metrics]
    measured.sort(key=lambda model: -float((model.metrics or {}).get(HEADLINE, 0)))
    return next((model for model in measured if (model.folder_with(PER_QUERY) / PER_QUERY).is_file()), None)


def difficulty_of(judge: Model) -> Difficulty | None:
    """Return how hard each query was for a model; None where its file is damaged."""
    try:
        stored = read_per_query(judge.folder_with(PER_QUERY))
        order = stored.columns[HEADLINE].argsort(kind="stable")
    except (CheckpointError, KeyError):
        return None
    return Difficulty(
        judge, dict(zip(stored.ids[order].tolist(), stored.columns[HEADLINE][order].tolist(), strict=True))
    )


class OrderedPictures(Slices):
    """The pictures that filters keep, in an order, for a paginator: a slice reads those of the slice."""

    def __init__(self, dataset: Dataset, filters: Filters, order: str, difficulty: Difficulty | None = None) -> None:
        self._dataset, self._filters, self._order = dataset, filters, order
        images = self._images = shown_pictures(dataset, filters)
        self._hard: list[int] = []
        if order == HARDEST and difficulty is not None:
            held_out = images.filter(split__in=(Image.Split.TEST, Image.Split.QUERY))
            there = set(held_out.values_list("pk", flat=True))
            self._hard = [pk for pk in difficulty.scores if pk in there]
        self._length: int | None = None

    def __len__(self) -> int:
        if self._length is None:
            self._length = len(self._hard) if self._order == HARDEST else self._count()
        return self._length

    def _count(self) -> int:
        if self._filters.words or self._filters.label is not None:
            return self._images.count()
        return count_visible(self._dataset, self._filters.split)

    def between(self, start: int, stop: int) -> list[Image]:
        """Return the pictures of these places that are still shown."""
        keys = self._keys(start, stop)
        images = Image.objects.filter(hidden=False).named().in_bulk(keys)
        return [images[pk] for pk in keys if pk in images]

    def _keys(self, start: int, stop: int) -> list[int]:
        if self._order == HARDEST:
            return self._hard[start:stop]
        if self._order == ONE_EACH:
            return self._one_each(start, stop)
        by = ("-pk",) if self._order == NEWEST else ("label", "pk")
        return [image.pk for image in LongList(self._images.only("pk"), by, len(self))[start:stop]]

    def _one_each(self, start: int, stop: int) -> list[int]:
        """Return the first picture of each class by label, then the rest by class."""
        own = self._images.filter(label=OuterRef("label"))
        live = self._dataset.classes.filter(Exists(own)).order_by("label")
        classes = live.count() if start else stop
        first = live.annotate(first=Subquery(own.order_by("pk").values("pk")[:1])).values_list("first", flat=True)
        keys = list(first[start:stop]) if start < classes else []
        if len(keys) == stop - start:
            return keys
        classes = classes if start else len(keys)
        rest = self._images.filter(Exists(own.filter(pk__lt=OuterRef("pk")))).only("pk")
        rest_of_classes = LongList(rest, ("label", "pk"), len(self) - classes)
        return keys + [image.pk for image in rest_of_classes[max(start - classes, 0) : stop - classes]]


def place_in_class(image: Image) -> dict[str, Any]:
    """Return where a picture is among the visible ones of its class: `number` of `total`, `previous` and `next`."""
    siblings = Image.objects.filter(dataset=image.dataset_id, label=image.label, hidden=False)
    before = siblings.filter(pk__lt=image.pk).aggregate(count=Count("pk"), nearest=Max("pk"))
    after = siblings.filter(pk__gt=image.pk).aggregate(count=Count("pk"), nearest=Min("pk"))
    return {
        "number": before["count"] + 1,
        "total": before["count"] + 1 + after["count"],
        "previous": before["nearest"],
        "next": after["nearest"],
    }
