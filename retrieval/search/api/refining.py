"""Refining over the API: the picture of an earlier search with other options."""

from collections.abc import Mapping
from typing import Any, Literal

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import User
from config.api.strict import StrictSerializer
from retrieval.datasets.services.visibility import visible_datasets, visible_images
from retrieval.models import Model, Search
from retrieval.search.serializers import (
    THRESHOLD,
    BoxField,
    FiltersSerializer,
    SearchedDatasetsField,
    able_models,
    filter_options,
    keys_field,
)
from retrieval.search.services import run_search
from retrieval.search.services.options import OptionChanges, changed_options
from retrieval.search.services.searchable import Searchable, searchable_of

CHANGEABLE: tuple[Literal["box", "threshold", "more_like", "less_like"], ...] = (
    "box",
    "threshold",
    "more_like",
    "less_like",
)


@extend_schema_serializer(examples=[OpenApiExample("Like the first result", {"more_like": [311], "less_like": [402]})])
class RefineSerializer(StrictSerializer):
    """Options that change; one left out stays as it was; null, or an empty list, removes it."""

    datasets = SearchedDatasetsField(required=False)
    models = keys_field("Models to search with; left out: those of the search, empty: all that have an index.")
    k = serializers.IntegerField(required=False, allow_null=True, help_text="Results per model; null: 12.")
    box = BoxField(required=False)
    threshold = serializers.FloatField(required=False, allow_null=True, min_value=-1, max_value=1, help_text=THRESHOLD)
    filters = FiltersSerializer(required=False)
    more_like = keys_field("Images to move the query towards.")
    less_like = keys_field("Images to move the query away from.")

    def validate_more_like(self, value: list[int]) -> list[int]:
        """Find the pictures."""
        return self._seen(value)

    def validate_less_like(self, value: list[int]) -> list[int]:
        """Find the pictures."""
        return self._seen(value)

    def _seen(self, keys: list[int]) -> list[int]:
        images = visible_images(self.context["request"].user).filter(pk__in=keys)
        missing = set(keys) - set(images.values_list("pk", flat=True))
        if missing:
            raise serializers.ValidationError(f"there is no picture {min(missing)}")
        return keys


def refine(search: Search, values: Mapping[str, Any], by: User) -> run_search.StoredSearch:
    """Search again with a valid body. Raises what `run_search.run_search` does."""
    found: Searchable = values.get("datasets") or searchable_of(list(visible_datasets(by).filter(searches=search)))
    if "models" in values:
        models = able_models(found, values["models"])
    else:
        models = list(Model.objects.filter(rankings__search=search).distinct())
    changes: OptionChanges = filter_options(values["filters"]) if "filters" in values else {}
    for name in CHANGEABLE:
        if name in values:
            changes[name] = values[name]
    return run_search.run_and_store(
        datasets=found.datasets,
        models=models,
        searchable=found.models,
        k=values.get("k", search.k),
        by=by,
        like=search,
        options=changed_options(search, found.datasets, changes),
    )
