"""Long lists of pictures: counts from the report of their data set, and pages that are read from the nearer end."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from retrieval.datasets.services.counted_changes import COUNTED
from retrieval.models import Dataset, Image, ImageQuerySet


def count_visible(dataset: Dataset, split: str = "") -> int:
    """Return how many visible pictures a data set has, in one split or in all.

    The report of the import counts them, and every change keeps it true. Rows that no job imported are counted.
    """
    images = dataset.images.filter(hidden=False)
    of_split = images.filter(split=split) if split else images
    report = dataset.report
    if not report.keys() >= COUNTED:
        return of_split.count()
    queries = int(report.get("query_images", 0))
    if split == Image.Split.QUERY:
        return queries
    if split in (Image.Split.TEST, Image.Split.GALLERY):  # held-out pictures but queries are all one or all the other
        first = of_split.order_by("label", "pk").values_list("pk").first()
        return int(report["test_images"]) - queries if first else 0
    return int(report["train_images" if split else "images"])


class Slices(Sequence[Image]):
    """A list of pictures of which a paginator reads slices."""

    @abstractmethod
    def between(self, start: int, stop: int) -> list[Image]:
        """Return the pictures from one place to before another, which lie within the list."""

    @overload
    def __getitem__(self, place: int) -> Image: ...
    @overload
    def __getitem__(self, place: slice) -> list[Image]: ...
    def __getitem__(self, place: int | slice) -> Image | list[Image]:
        if isinstance(place, int):
            return self[place : place + 1][0]
        start, stop, _ = place.indices(len(self))
        return self.between(start, stop) if start < stop else []


class LongList(Slices):
    """Pictures in an order, for a paginator. A slice costs what lies between it and the nearer end of the list.

    order: names of columns, "-" before those that descend. total: how many pictures there are.
    """

    def __init__(self, images: ImageQuerySet, order: Sequence[str], total: int) -> None:
        self._images, self._order, self._total = images, order, total

    def __len__(self) -> int:
        return self._total

    def between(self, start: int, stop: int) -> list[Image]:
        """Return the pictures of these places, read from the nearer end."""
        if start <= self._total - stop:
            return list(self._images.order_by(*self._order)[start:stop])
        backwards = self._images.order_by(*map(_turned, self._order))
        return list(backwards[self._total - stop : self._total - start])[::-1]


def _turned(column: str) -> str:
    return column.removeprefix("-") if column.startswith("-") else f"-{column}"
