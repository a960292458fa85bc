"""Filters of data sets and pictures."""

import re
from collections.abc import Sequence
from typing import Any

import django_filters as filters  # type: ignore[import-untyped]
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from config.api.filter_fields import TrueOrFalse, WholeNumber
from retrieval.datasets.services.classes import NAME_LENGTH, labels_named
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Dataset, Image

MOST_HASHES = 500
HASH = re.compile(r"[0-9a-f]{64}")


def seen_datasets(request: HttpRequest | None) -> QuerySet[Dataset]:
    """Return the data sets that the sender may see."""
    return visible_datasets(request.user) if request else Dataset.objects.none()


class DatasetFilter(filters.FilterSet):  # type: ignore[misc]
    """Slug, public, labelled."""

    slug = filters.CharFilter(max_length=90)
    public = TrueOrFalse()
    labelled = TrueOrFalse()

    class Meta:
        model = Dataset
        fields = ("slug", "public", "labelled")


class HashesField(forms.MultipleChoiceField):
    """SHA-256 sums in hexadecimal."""

    default_error_messages = {"invalid_choice": "A SHA-256 has 64 hexadecimal digits, not %(value)s."}  # noqa: RUF012

    def valid_value(self, value: Any) -> bool:
        return HASH.fullmatch(str(value)) is not None

    def validate(self, value: Any) -> None:
        """Check the number of sums."""
        super().validate(value)
        if len(value) > MOST_HASHES:
            raise forms.ValidationError(f"Send at most {MOST_HASHES} SHA-256 sums at once.")


@extend_schema_field(OpenApiTypes.STR)
class AnyHash(filters.MultipleChoiceFilter):  # type: ignore[misc]
    """Rows with one of the sums."""

    field_class = HashesField

    def filter(self, rows: QuerySet[Image], values: Sequence[str]) -> QuerySet[Image]:
        return rows.filter(**{f"{self.field_name}__in": values}) if values else rows


class ImageFilter(filters.FilterSet):  # type: ignore[misc]
    """Data set, split, class by label or name, SHA-256, and for curators hidden."""

    dataset = extend_schema_field(OpenApiTypes.INT)(filters.ModelChoiceFilter(queryset=seen_datasets))
    split = filters.MultipleChoiceFilter(choices=Image.Split.choices)
    label = WholeNumber()
    class_name = filters.CharFilter(method="of_class", max_length=NAME_LENGTH)
    sha256 = AnyHash()
    hidden = TrueOrFalse()

    def of_class(self, images: QuerySet[Image], name: str, value: str) -> QuerySet[Image]:
        """Keep pictures of the classes of that name, in all data sets."""
        in_class = Q(pk__in=[])
        for dataset, labels in labels_named(seen_datasets(self.request), value).items():
            in_class |= Q(dataset=dataset, label__in=labels)
        return images.filter(in_class)
