"""Bodies of new searches over the API."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.models import User
from config.api.fields import KeyField
from config.api.kept_fields import KeptFieldsMixin
from config.api.strict import StrictObject, StrictSerializer
from retrieval.datasets.services.visibility import visible_images
from retrieval.models import Image, Model
from retrieval.search.services import run_search
from retrieval.search.services.defaults import default_models
from retrieval.search.services.options import OptionChanges, SearchOptions
from retrieval.search.services.searchable import Searchable, UnknownDataset, find_searchable

MOST_KEYS = 1000
THRESHOLD = "Minimum similarity, -1 to 1; results below it are hidden. Default: all are shown."

NEW_SEARCH = {
    "datasets": [1],
    "image_id": 310,
    "models": [3, 4],
    "k": 12,
    "box": [0.1, 0.2, 0.9, 0.8],
    "threshold": 0.4,
    "filters": {"splits": ["test"], "classes": [{"dataset": 1, "label": 7}]},
    "exclude_self": True,
}


class SearchedClassSerializer(StrictSerializer):
    """A class of a data set."""

    dataset = KeyField()
    label = serializers.IntegerField(min_value=0)  # type: ignore[assignment]  # declared fields leave the class


class FiltersSerializer(StrictObject):
    """Splits and classes to limit results to; an empty list allows all. In a form it is JSON text."""

    splits = serializers.ListField(
        child=serializers.ChoiceField(choices=Image.Split.choices), default=list, max_length=MOST_KEYS
    )
    classes = SearchedClassSerializer(many=True, default=list, max_length=MOST_KEYS)  # type: ignore[call-arg]  # of the list


class BoxField(serializers.ListField):
    """A part of a picture."""

    def __init__(self, **kwargs: Any) -> None:
        about = "Left, top, right, bottom of the searched part, 0 to 1 of the upright picture; null: all of it."
        super().__init__(
            child=serializers.FloatField(), min_length=4, max_length=4, allow_null=True, help_text=about, **kwargs
        )


def keys_field(about: str, **kwargs: Any) -> serializers.ListField:
    return serializers.ListField(
        child=KeyField(),
        required=False,
        help_text=about,
        max_length=MOST_KEYS,
        **kwargs,
    )


class SearchedDatasetsField(serializers.ListField):
    """Data sets that the sender may see, by their keys: found all at once, each of them once, with their models."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=KeyField(), allow_empty=False, max_length=MOST_KEYS, **kwargs)

    def to_internal_value(self, data: Any) -> Searchable:  # type: ignore[override]  # not the list of keys
        """Find the data sets."""
        given = super().to_internal_value(data)
        self.run_validators(given)  # before they are looked up, not behind it
        try:
            return find_searchable(self.context["request"].user, given)
        except UnknownDataset as error:
            raise serializers.ValidationError(str(error), code="does_not_exist") from error

    def run_validators(self, value: Any) -> None:
        """Check the keys; what was found by them is checked already."""
        if not isinstance(value, Searchable):
            super().run_validators(value)


class OptionsSerializer(StrictSerializer):
    """The options of a search, besides its picture."""

    datasets = SearchedDatasetsField()
    models = keys_field("Models to search with; default: all that have an index.", default=list)
    default_models = serializers.BooleanField(
        default=False,
        help_text="Whether to search with the default models in place of `models`: those that a curator set, else the "
        "best by MAP@R, two of one data set, of several the best of each. Default false.",
    )
    k = serializers.IntegerField(default=None, allow_null=True, help_text="Results per model, default 12.")
    box = BoxField(default=None)
    threshold = serializers.FloatField(default=None, allow_null=True, min_value=-1, max_value=1, help_text=THRESHOLD)
    filters = FiltersSerializer(default=dict)
    exclude_self = serializers.BooleanField(
        default=True, help_text="Whether a picture of a data set is left out of its own results, default true."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Choose the models."""
        found, keys = attrs["datasets"], attrs["models"]
        if not attrs.pop("default_models"):
            return attrs | {"models": able_models(found, keys)}
        if keys:
            raise serializers.ValidationError({"models": "give models or default_models, not both"})
        return attrs | {"models": default_models(found.models, found.datasets)}


@extend_schema_serializer(examples=[OpenApiExample("With a picture of a data set", NEW_SEARCH)])
class LinkedSearchSerializer(OptionsSerializer):
    """A search with a picture of a data set or from the web: exactly one of image_id and image_url."""

    image_id = KeyField(default=None, help_text="A picture of a data set.")
    image_url = serializers.URLField(default=None, max_length=2000, help_text="A picture on the web.")
    queries: tuple[str, ...] = ("image_id", "image_url")

    def validate_image_id(self, value: int | None) -> Image | None:
        """Find the picture among those that the sender may search with."""
        if value is None:
            return None
        image = visible_images(self.context["request"].user).filter(hidden=False, pk=value).first()
        if image is None:
            raise serializers.ValidationError(f"there is no picture {value}")
        return image

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check that there is exactly one picture."""
        if sum(attrs[name] is not None for name in self.queries) != 1:
            raise serializers.ValidationError(f"give exactly one of {', '.join(self.queries)}")
        return super().validate(attrs)


@extend_schema_serializer(examples=[OpenApiExample("With a picture of a data set", NEW_SEARCH)])
class NewSearchSerializer(KeptFieldsMixin, LinkedSearchSerializer):
    """Exactly one of file (multipart), image_id (a picture of a data set) and image_url (one on the web)."""

    file = serializers.FileField(default=None)
    queries = ("file", "image_id", "image_url")

    def validate_file(self, value: Any) -> Any:
        if value is not None:
            check_size(value)
        return value


def able_models(found: Searchable, keys: list[int]) -> list[Model]:
    """Return the models of these keys; all that can search the data sets where there are none.

    Raises:
        ValidationError: one of them can search none of the data sets.
    """
    able = {model.pk: model for model in found.models}
    for pk in keys:
        if pk not in able:
            names = " or ".join(dataset.name for dataset in found.datasets)
            raise serializers.ValidationError({"models": f"model {pk} has no index of {names}; choose another"})
    return [able[pk] for pk in keys or able]


def check_size(file: Any) -> None:
    """Refuse a file too large to be read, before it is read."""
    if file.size > settings.PICTURE_MAX_BYTES:
        raise serializers.ValidationError(f"at most {settings.PICTURE_MAX_BYTES // 2**20} MB are read")


def filter_options(filters: Mapping[str, Any]) -> OptionChanges:
    """Return the filters of a body as options have them."""
    classes = ((one["dataset"], one["label"]) for one in filters.get("classes", ()))
    return {
        "splits": tuple(dict.fromkeys(filters.get("splits", ()))),
        "classes": tuple(dict.fromkeys(classes)),
    }


def request_of(values: Mapping[str, Any], by: User) -> run_search.SearchRequest:
    """Return the search of a valid body, without its picture. Raises Rejected where options are out of range."""
    box = None if values["box"] is None else tuple(values["box"])
    filters = filter_options(values["filters"])
    options = SearchOptions(
        box=box, threshold=values["threshold"], splits=filters["splits"], classes=filters["classes"]
    )
    return {
        "datasets": values["datasets"].datasets,
        "models": values["models"],
        "searchable": values["datasets"].models,
        "k": values["k"],
        "by": by,
        "options": options,
        "exclude_self": values["exclude_self"],
    }
