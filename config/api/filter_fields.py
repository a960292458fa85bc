"""Filters of lists that reject invalid values, which django-filter would ignore or misread."""

from typing import Any

import django_filters as filters  # type: ignore[import-untyped]
from django import forms
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

LARGEST = 2**31 - 1
"""The largest value of an integer column in every database."""


@extend_schema_field(OpenApiTypes.BOOL)
class TrueOrFalse(filters.TypedChoiceFilter):  # type: ignore[misc]
    """`true` or `false`; django-filter's own ignores any other word."""

    def __init__(self, **kwargs: Any) -> None:
        choices = (("true", "true"), ("false", "false"))
        super().__init__(choices=choices, coerce=lambda word: word == "true", **kwargs)


@extend_schema_field(OpenApiTypes.INT)
class WholeNumber(filters.NumberFilter):  # type: ignore[misc]
    """A whole number from 0; django-filter's own reads 1.5 as 1."""

    field_class = forms.IntegerField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=LARGEST, **kwargs)
