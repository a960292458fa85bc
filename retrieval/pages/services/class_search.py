"""One class of a data set: its pictures, and the classes that a model confuses it with most easily."""

from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Q, QuerySet

from mlcore.errors import StaleIndexError
from mlcore.evaluation.embedding_geometry import nearest_centres
from retrieval.models import Dataset, Image, Index, Model
from retrieval.search.services import model_cache
from retrieval.search.services.run_search import searchable_models

NEAREST = 3


@dataclass(frozen=True)
class Neighbour:
    """Another class, the cosine of the two centres, and a picture of it."""

    label: int
    name: str
    cosine: float
    image: Image


@dataclass(frozen=True)
class Neighbourhood:
    """What a model holds for most like a class, the nearest first, and the class's most typical picture."""

    model: Model
    nearest: list[Neighbour]
    typical: Image


def has_class(dataset: Dataset, label: int) -> bool:
    """Say whether a data set has such a class."""
    return dataset.is_ready and dataset.labelled and dataset.classes.filter(label=label).exists()


def pictures_of(dataset: Dataset, label: int) -> QuerySet[Image]:
    """Return the pictures of a class that are shown."""
    return dataset.images.filter(label=label, hidden=False).named().order_by("pk")


def counts_of(dataset: Dataset, label: int) -> dict[str, int]:
    """Return how many pictures of a class there are, and how many of them learn, ask, answer or do both."""
    splits = {split.value: Count("pk", filter=Q(split=split)) for split in Image.Split}
    return pictures_of(dataset, label).aggregate(images=Count("pk"), **splits)


def neighbourhood_of(dataset: Dataset, label: int) -> Neighbourhood | None:
    """Return what the best model that searches a data set holds for most like a class.

    The best is the one of highest Recall@1, else the first. None where no model searches it, or its index holds
    no picture of the class.
    """
    model = max(searchable_models(dataset), key=_recall_at_1, default=None)
    if model is None:
        return None
    index: Index = model.serving[0]  # type: ignore[attr-defined]
    try:
        held = model_cache.index_of(index)
    except (StaleIndexError, OSError):
        return None  # searching says what is wrong with it; this page is of the class
    labels = dict(dataset.images.filter(hidden=False).values_list("pk", "label"))
    ids = [pk for pk in held.ids.tolist() if pk in labels]
    known = np.array([labels[pk] for pk in ids], np.int64)
    if label not in known:
        return None
    nearest, typical = nearest_centres(held.vectors_of(ids), known, label)
    return Neighbourhood(model, _with_pictures(dataset, nearest[:NEAREST]), dataset.images.named().get(pk=ids[typical]))


def _recall_at_1(model: Model) -> float:
    recalls = (model.metrics or {}).get("recall_at", {})
    return float(recalls.get("1", recalls.get(1, 0.0)))


def _with_pictures(dataset: Dataset, nearest: list[tuple[int, float]]) -> list[Neighbour]:
    found = []
    for label, cosine in nearest:
        image = pictures_of(dataset, label).first()
        if image is not None:
            found.append(Neighbour(label, image.class_name, cosine, image))
    return found
