"""Filters of lists of models."""

from typing import Any

import django_filters as filters  # type: ignore[import-untyped]
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.request import Request

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


class Archived(TrueOrFalse):
    """Archived rows with true, the others with false or nothing: see `without_archived`."""

    def filter(self, rows: "QuerySet[Any]", value: bool | str) -> "QuerySet[Any]":
        """Keep the archived rows, or the others; an empty value, of a request without it, keeps all."""
        return rows if value == "" else rows.filter(archived_at__isnull=not value)


def without_archived(rows: "QuerySet[Any]", request: Request) -> "QuerySet[Any]":
    """Return the rows of a list without the archived ones, unless the request filters by `archived`."""
    return rows if "archived" in request.query_params else rows.filter(archived_at=None)


class ModelFilter(filters.FilterSet):  # type: ignore[misc]
    dataset = filters.ModelChoiceFilter(queryset=datasets_for)
    loss = filters.ChoiceFilter(choices=losses)
    published = TrueOrFalse()
    archived = Archived()

    class Meta:
        model = Model
        fields = ("dataset", "loss", "published", "archived")
