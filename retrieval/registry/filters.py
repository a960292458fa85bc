"""Filters of lists of models."""

import django_filters as filters  # type: ignore[import-untyped]
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest

from config.api.filter_fields import TrueOrFalse
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Dataset, Model
from retrieval.registry.services.legend import loss_titles


def datasets_for(request: HttpRequest | None) -> QuerySet[Dataset]:
    """Return the data sets that the sender may see; naming another is an error like naming none."""
    return visible_datasets(request.user if request else AnonymousUser())


def losses() -> list[tuple[str, str]]:
    """Return every loss and baseline as choices."""
    return list(loss_titles().items())


class ModelFilter(filters.FilterSet):  # type: ignore[misc]
    dataset = filters.ModelChoiceFilter(queryset=datasets_for)
    loss = filters.ChoiceFilter(choices=losses)
    published = TrueOrFalse()

    class Meta:
        model = Model
        fields = ("dataset", "loss", "published")
