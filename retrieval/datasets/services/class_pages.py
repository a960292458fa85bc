"""The classes of a data set as visitors see them, a page at a time: some sets have eleven thousand."""

from typing import Any

from django.core.paginator import Page, Paginator

from retrieval.datasets.services.classes import names_by_label
from retrieval.datasets.services.visibility import class_counts
from retrieval.models import Dataset

CLASSES = 24  # on a page


def class_page(dataset: Dataset, words: str = "", number: object = 1) -> Page[Any]:
    """Return a page of the classes whose names say every one of the words, by label.

    A class has label, name, images, held_out of them, and sample, a picture's key. Hidden pictures do not count, and
    a class without any other, as one that was merged away, is left out.
    """
    wanted = words.casefold().split()
    live = dataset.images.filter(hidden=False).order_by("label").values_list("label", flat=True).distinct()
    names = names_by_label(dataset) if wanted else {}
    labels = [label for label in live if all(word in names[label].casefold() for word in wanted)]
    page: Page[Any] = Paginator(labels, CLASSES).get_page(number)  # type: ignore[arg-type]  # any words of an address
    page.object_list = class_counts(dataset, list(page.object_list))
    return page
