"""Lists narrowed by what the address says, and by nothing that it only seems to say."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend  # type: ignore[import-untyped]
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

OURS = ("limit", "cursor", "fields")


class StrictFilters(DjangoFilterBackend):  # type: ignore[misc]
    """Refuse parameters that a list does not have, and empty ones: whoever sends one believes that it narrows."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: Any) -> "QuerySet[Any]":
        """Return what was asked for.

        Raises:
            ValidationError: there is no such parameter, or its value makes no sense.
        """
        chosen = self.get_filterset_class(view, queryset)
        check_parameters(request, [*OURS, *(chosen.base_filters if chosen else ())])
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


def check_parameters(request: Request, known: Sequence[str]) -> None:
    """Refuse parameters of the address that are not known, and empty ones.

    Raises:
        ValidationError: naming the first of them.
    """
    for name, values in request.query_params.lists():
        if name not in known:
            raise ValidationError({name: f"there is no such parameter; known are {', '.join(known)}"})
        if not all(values):
            raise ValidationError({name: "it is empty; leave it out instead"})
