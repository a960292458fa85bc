"""One class of a data set: its pictures, and the classes most similar to it."""

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
    """Another class, the similarity of the two centres, and a picture of it."""

    label: int
    name: str
    similarity: float
    image: Image


@dataclass(frozen=True)
class Neighbourhood:
    """The classes most similar to a class in a model, nearest first, and the class's most typical picture."""

    model: Model
    nearest: list[Neighbour]
    typical: Image


def has_class(dataset: Dataset, label: int) -> bool:
    """Say whether a data set has such a class."""
    return dataset.is_ready and dataset.labelled and dataset.classes.filter(label=label).exists()


def pictures_of(dataset: Dataset, label: int) -> QuerySet[Image]:
    """Return the visible pictures of a class."""
    return dataset.images.filter(label=label, hidden=False).named().order_by("pk")


def counts_of(dataset: Dataset, label: int) -> dict[str, int]:
    """Return how many visible pictures a class has, in all (`images`) and by split."""
    splits = {split.value: Count("pk", filter=Q(split=split)) for split in Image.Split}
    return pictures_of(dataset, label).aggregate(images=Count("pk"), **splits)


def neighbourhood_of(dataset: Dataset, label: int) -> Neighbourhood | None:
    """Return the classes most similar to a class, in the searchable model with the highest Recall@1.

    None where no model can search the data set, or its index has no picture of the class.
    """
    model = max(searchable_models(dataset), key=_recall_at_1, default=None)
    if model is None:
        return None
    index: Index = model.serving[0]  # type: ignore[attr-defined]
    try:
        held = model_cache.index_of(index)
    except (StaleIndexError, OSError):
        return None  # a search reports the error; this page is about the class
    labels = dict(dataset.images.filter(hidden=False).values_list("pk", "label"))
    ids = [pk for pk in held.ids.tolist() if pk in labels]
    held_labels = np.array([labels[pk] for pk in ids], np.int64)
    if label not in held_labels:
        return None
    nearest, typical = nearest_centres(held.vectors_of(ids), held_labels, label)
    return Neighbourhood(model, _with_pictures(dataset, nearest[:NEAREST]), dataset.images.named().get(pk=ids[typical]))


def _recall_at_1(model: Model) -> float:
    recalls = (model.metrics or {}).get("recall_at", {})
    return float(recalls.get("1", recalls.get(1, 0.0)))


def _with_pictures(dataset: Dataset, nearest: list[tuple[int, float]]) -> list[Neighbour]:
    neighbours = []
    for label, similarity in nearest:
        image = pictures_of(dataset, label).first()
        if image is not None:
            neighbours.append(Neighbour(label, image.class_name, similarity, image))
    return neighbours
