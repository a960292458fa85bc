"""Strict filters of lists: unknown and empty parameters are errors."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

COMMON = ("limit", "cursor", "fields")


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Reject unknown and empty parameters: who sends one believes that it filters."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: Any) -> "QuerySet[Any]":
        """Return the filtered rows.

        Raises:
            ValidationError: a parameter does not exist, or its value is invalid.
        """
        filterset = self.get_filterset_class(view, queryset)
        check_parameters(request, [*COMMON, *(filterset.base_filters if filterset else ())])
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


def check_parameters(request: Request, known: Sequence[str]) -> None:
    """Reject unknown and empty query parameters.

    Raises:
        ValidationError: naming the first of them.
    """
    for name, values in request.query_params.lists():
        if name not in known:
            raise ValidationError({name: f"there is no such parameter; valid are {', '.join(known)}"})
        if not all(values):
            raise ValidationError({name: "the parameter is empty; leave it out"})
