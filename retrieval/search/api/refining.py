"""Asking again over the API: with the picture of an earlier search, on other terms."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import User
from config.api.strict import StrictSerializer
from retrieval.datasets.services.visibility import visible_images
from retrieval.models import Model, Search
from retrieval.search.serializers import (
    BoxField,
    FiltersSerializer,
    VisibleDatasetsField,
    able_models,
    filter_terms,
    keys_field,
)
from retrieval.search.services import options, run_search


@extend_schema_serializer(examples=[OpenApiExample("More like the first answer", {"more": [311], "less": [402]})])
class RefineSerializer(StrictSerializer):
    """What is left out stays as it was; null, or an empty list, takes it away."""

    datasets = VisibleDatasetsField(required=False)
    models = keys_field("Left out: those that answered before. Empty: all that can search.")
    k = serializers.IntegerField(required=False, allow_null=True, help_text="null: 12.")
    box = BoxField(required=False)
    threshold = serializers.FloatField(
        required=False, allow_null=True, min_value=-1, max_value=1, help_text="Lowest cosine shown."
    )
    filters = FiltersSerializer(required=False)
    more = keys_field("Pictures to move towards.")
    less = keys_field("Pictures to move away from.")

    def validate_more(self, value: list[int]) -> list[int]:
        """Find the pictures."""
        return self._seen(value)

    def validate_less(self, value: list[int]) -> list[int]:
        """Find the pictures."""
        return self._seen(value)

    def _seen(self, keys: list[int]) -> list[int]:
        images = visible_images(self.context["request"].user).filter(pk__in=keys)
        missing = set(keys) - set(images.values_list("pk", flat=True))
        if missing:
            raise serializers.ValidationError(f"there is no picture {min(missing)}")
        return keys


def refine(search: Search, values: dict[str, Any], by: User) -> Search:
    """Ask again with a valid body. Raises what `run_search.ask` does."""
    datasets = values.get("datasets") or list(search.datasets.all())
    if "models" in values:
        models = able_models(datasets, values["models"])
    else:
        models = list(Model.objects.filter(rankings__search=search).distinct())
    changes: dict[str, Any] = {name: values[name] for name in ("box", "threshold", "more", "less") if name in values}
    if "filters" in values:
        changes |= filter_terms(values["filters"])
    return run_search.ask(
        datasets=datasets,
        models=models,
        k=values.get("k", search.k),
        by=by,
        like=search,
        terms=options.changed_terms(search, datasets, changes),
    )
