"""What a search over the API is asked with."""

import json
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.utils import html

from accounts.models import User
from config.api.fields import KeyField
from config.api.strict import StrictSerializer
from retrieval.datasets.services.visibility import visible_datasets, visible_images
from retrieval.models import Dataset, Image, Model
from retrieval.search.services import options as terms_services
from retrieval.search.services import run_search

MOST_KEYS = 1000

ASKED = {
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


class FiltersSerializer(StrictSerializer):
    """Which pictures may answer; what is empty allows all. In a form it is JSON text."""

    splits = serializers.ListField(
        child=serializers.ChoiceField(choices=Image.Split.choices), default=list, max_length=MOST_KEYS
    )
    classes = SearchedClassSerializer(many=True, default=list, max_length=MOST_KEYS)  # type: ignore[call-arg]  # of the list

    def get_value(self, dictionary: Any) -> Any:
        if not html.is_html_input(dictionary):
            return super().get_value(dictionary)
        text = dictionary.get(self.field_name)
        if text is None:
            return empty
        try:
            return json.loads(text)
        except (TypeError, ValueError, RecursionError):
            return text  # refused, being no object


class BoxField(serializers.ListField):
    """A part of a picture."""

    def __init__(self, **kwargs: Any) -> None:
        about = "Left, top, right, bottom of what is searched, 0 to 1 of the upright picture."
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


class VisibleDatasetsField(serializers.ListField):
    """Data sets that the sender may see, by their keys: found all at once, each of them once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=KeyField(), allow_empty=False, max_length=MOST_KEYS, **kwargs)

    def to_internal_value(self, data: Any) -> list[Dataset]:
        """Find the data sets."""
        given = super().to_internal_value(data)
        self.run_validators(given)  # before they are looked up, not behind it
        keys = list(dict.fromkeys(given))
        found = visible_datasets(self.context["request"].user).in_bulk(keys)
        for key in keys:
            if key not in found:
                raise serializers.ValidationError(f"there is no data set {key}", code="does_not_exist")
        return [found[key] for key in keys]


class TermsSerializer(StrictSerializer):
    """How a search is asked, beside its picture."""

    datasets = VisibleDatasetsField()
    models = keys_field("All that can search, unless told.", default=list)
    k = serializers.IntegerField(default=None, allow_null=True, help_text="12, unless told.")
    box = BoxField(default=None)
    threshold = serializers.FloatField(
        default=None, allow_null=True, min_value=-1, max_value=1, help_text="Lowest cosine shown."
    )
    filters = FiltersSerializer(default=dict)
    exclude_self = serializers.BooleanField(default=True, help_text="Leave a gallery picture out of its own answers.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Find the models."""
        return attrs | {"models": able_models(attrs["datasets"], attrs["models"])}


@extend_schema_serializer(examples=[OpenApiExample("With a picture of a data set", ASKED)])
class LinkedSearchSerializer(TermsSerializer):
    """A search with a picture that is somewhere already: exactly one of image_id and image_url."""

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
        """Ask for one picture, and no two."""
        if sum(attrs[name] is not None for name in self.queries) != 1:
            raise serializers.ValidationError(f"give exactly one of {', '.join(self.queries)}")
        return super().validate(attrs)


@extend_schema_serializer(examples=[OpenApiExample("With a picture of a data set", ASKED)])
class NewSearchSerializer(LinkedSearchSerializer):
    """Exactly one of file (multipart), image_id (a picture of a data set) and image_url (one on the web)."""

    file = serializers.FileField(default=None)
    queries = ("file", "image_id", "image_url")

    def validate_file(self, value: Any) -> Any:
        if value is not None:
            check_size(value)
        return value


def able_models(datasets: list[Dataset], wanted: list[int]) -> list[Model]:
    """Return the models asked for, all that can search when none is named.

    Raises:
        ValidationError: one of them can search none of the data sets.
    """
    able = {model.pk: model for model in run_search.searchable_models(*datasets)}
    for pk in wanted:
        if pk not in able:
            names = " or ".join(dataset.name for dataset in datasets)
            raise serializers.ValidationError({"models": f"no model {pk} can search {names}"})
    return [able[pk] for pk in wanted or able]


def check_size(file: Any) -> None:
    """Refuse a file too large to be read, before it is read."""
    if file.size > settings.PICTURE_MAX_BYTES:
        raise serializers.ValidationError(f"at most {settings.PICTURE_MAX_BYTES // 2**20} MB are read")


def filter_terms(filters: dict[str, Any]) -> dict[str, Any]:
    """Return the filters of a body as terms have them."""
    classes = ((one["dataset"], one["label"]) for one in filters.get("classes", ()))
    return {
        "splits": tuple(dict.fromkeys(filters.get("splits", ()))),
        "classes": tuple(dict.fromkeys(classes)),
    }


def asked_with(values: dict[str, Any], by: User) -> run_search.Asked:
    """Return what a valid body asks, but for its picture. Raises Rejected where its terms make no sense."""
    box = None if values["box"] is None else tuple(values["box"])
    terms = terms_services.Terms(box=box, threshold=values["threshold"], **filter_terms(values["filters"]))
    return {
        "datasets": values["datasets"],
        "models": values["models"],
        "k": values["k"],
        "by": by,
        "terms": terms,
        "exclude_self": values["exclude_self"],
    }
