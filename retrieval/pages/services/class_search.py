"""One class of a data set: its pictures, and the classes most similar to it."""

from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Q, QuerySet

from mlcore.errors import MlcoreError
from mlcore.evaluation.embedding_geometry import nearest_centres
from retrieval.errors import VectorsAway
from retrieval.models import Dataset, Image, Index, Model
from retrieval.search.services import model_cache
from retrieval.search.services.run_search import searchable_models
from retrieval.search.services.serving_index import ServingIndex

NEAREST = 3
MOST_OF_CLASS = 200
"""Pictures whose mean is the centre of a class."""

MOST_NEAR, MOST_CLASSES = 300, 20
"""Pictures of other classes, and these classes, whose centres are compared: the others are farther away."""


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

    Compared are the classes of the pictures that a search with the class's centre finds, not all of them.
    None where no model can search the data set, or its index has no picture of the class.
    """
    model = max(searchable_models(dataset), key=_recall_at_1, default=None)
    if model is None:
        return None
    index: Index = model.serving[0]  # type: ignore[attr-defined]
    try:
        return _neighbourhood(model, dataset, model_cache.serving_index_of(index), label)
    except (MlcoreError, OSError, VectorsAway):  # damaged before it was loaded, or since; or its store is away
        return None  # a search reports the error; this page is about the class


def _neighbourhood(model: Model, dataset: Dataset, held: ServingIndex, label: int) -> Neighbourhood | None:
    own = _indexed(dataset, held, label)
    if not own:
        return None
    ids = own + [pk for other in _classes_near(dataset, held, own, label) for pk in _indexed(dataset, held, other)]
    found = dict(Image.objects.filter(pk__in=ids).values_list("pk", "label"))
    ids = [pk for pk in ids if pk in found]
    labels = np.array([found[pk] for pk in ids], np.int64)
    nearest, typical = nearest_centres(held.vectors_of(ids), labels, label)
    return Neighbourhood(model, _with_pictures(dataset, nearest[:NEAREST]), dataset.images.named().get(pk=ids[typical]))


def _indexed(dataset: Dataset, held: ServingIndex, label: int) -> list[int]:
    """Return the visible pictures of a class that an index holds, among the first MOST_OF_CLASS."""
    first = dataset.images.filter(label=label, hidden=False).order_by("pk").values_list("pk", flat=True)
    ids: list[int] = held.held(list(first[:MOST_OF_CLASS])).tolist()
    return ids


def _classes_near(dataset: Dataset, held: ServingIndex, own: list[int], label: int) -> list[int]:
    """Return the other classes of the pictures nearest to the centre of a class, MOST_CLASSES at most."""
    centre = held.vectors_of(own).mean(axis=0)
    found, _ = held.nearest(centre, len(own) + MOST_NEAR, now=dataset.revision)
    labels = dict(dataset.images.filter(pk__in=found, hidden=False).values_list("pk", "label"))
    others = dict.fromkeys(labels[pk] for pk in found if labels.get(pk, label) != label)
    return list(others)[:MOST_CLASSES]


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
