"""Data sets as their list shows them: a few pictures, counts, and the models that search each."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Q, Subquery

from accounts.roles import Visitor
from retrieval.datasets.services.classes import class_totals
from retrieval.models import Dataset, DatasetClass, Image, Index, Model
from retrieval.registry.services.visibility import visible_models

THUMBNAILS = 4
MOST_MODELS = 8  # marks of models on a card


@dataclass(frozen=True)
class Card:
    """A data set with keys of some of its pictures, how many classes it has, and its models."""

    dataset: Dataset
    thumbnails: list[int]
    models: list[Model]

    @property
    def marked(self) -> list[Model]:
        return self.models[:MOST_MODELS]


def cards_of(datasets: Sequence[Dataset], user: Visitor) -> list[Card]:
    """Return the cards of data sets, in their order."""
    thumbnails, models = _thumbnails(datasets), _models(datasets, user)
    return [Card(row, thumbnails.get(row.pk, []), models.get(row.pk, [])) for row in datasets]


def _thumbnails(datasets: Sequence[Dataset]) -> dict[int, list[int]]:
    """Return keys of pictures of classes far apart; of a data set with few classes, of the first pictures."""
    totals = class_totals(datasets)
    chosen: dict[int, list[int]] = {}
    wanted = Q(pk__in=[])
    for row in datasets:
        total = totals.get(row.pk, 0)
        if total < THUMBNAILS:
            first = row.images.filter(hidden=False).order_by("pk").values_list("pk", flat=True)
            chosen[row.pk] = list(first[:THUMBNAILS])
        else:
            labels = [total * place // THUMBNAILS for place in range(THUMBNAILS)]
            wanted |= Q(dataset=row.pk, label__in=labels)
    own = Image.objects.filter(dataset=OuterRef("dataset"), label=OuterRef("label"), hidden=False)
    sample = Subquery(own.order_by("pk").values("pk")[:1])
    classes = DatasetClass.objects.filter(wanted).annotate(sample=sample).exclude(sample=None)
    for dataset, pk in classes.order_by("dataset", "label").values_list("dataset", "sample"):
        chosen.setdefault(dataset, []).append(pk)
    return chosen


def _models(datasets: Sequence[Dataset], user: Visitor) -> dict[int, list[Model]]:
    """Return the published models that have an active index of each data set."""
    published = visible_models(user).filter(published=True)
    indexes = Index.objects.filter(dataset__in=datasets, active=True, model__in=published)
    models: dict[int, list[Model]] = {}
    for index in indexes.select_related("model").order_by("model"):
        models.setdefault(index.dataset_id, []).append(index.model)
    return models
