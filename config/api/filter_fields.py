"""Filters of lists that refuse what makes no sense, where django-filter would take it for nothing or for another."""

from typing import Any

import django_filters as filters  # type: ignore[import-untyped]
from django import forms
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

LARGEST = 2**31 - 1
"""What every database holds in a column of small keys, labels and counts."""


@extend_schema_field(OpenApiTypes.BOOL)
class TrueOrFalse(filters.TypedChoiceFilter):  # type: ignore[misc]
    """`true` or `false`; django-filter's own takes any other word for "not asked"."""

    def __init__(self, **kwargs: Any) -> None:
        choices = (("true", "true"), ("false", "false"))
        super().__init__(choices=choices, coerce=lambda word: word == "true", **kwargs)


@extend_schema_field(OpenApiTypes.INT)
class WholeNumber(filters.NumberFilter):  # type: ignore[misc]
    """A whole number from 0; django-filter's own takes 1.5 for 1."""

    field_class = forms.IntegerField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST, **kwargs)
