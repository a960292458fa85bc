"""What the API shows of a search and of its results."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from config.api.kept_fields import KeptFieldsMixin
from config.api.strict import StrictSerializer
from retrieval.datasets.image_serializers import PictureUrls
from retrieval.models import Search
from retrieval.search.serializers import SearchedClassSerializer
from retrieval.search.services.result_fields import RESULT_FIELDS, SEARCH_FIELDS, Fields, filters_of
from retrieval.search.services.results import Result, SearchResults, problems_of, results_of

RESULT = {
    "rank": 1,
    "image": 311,
    "dataset": 1,
    "dataset_name": "Birds",
    "path": "tawny-owl/0007.jpg",
    "class_name": "Tawny owl",
    "similarity": 0.913204,
    "mark": None,
    "ranking": 51,
    "url": "https://kindred.example.org/api/v1/images/311/file/",
    "thumbnail_url": "https://kindred.example.org/api/v1/images/311/file/?size=thumbnail",
}
SEARCH = {
    "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "name": "Owls at dusk",
    "root": None,
    "created_at": "2026-05-04T09:30:00Z",
    "k": 12,
    "box": [0.1, 0.2, 0.9, 0.8],
    "threshold": 0.4,
    "filters": {"splits": ["test"], "classes": [{"dataset": 1, "label": 7}]},
    "exclude_self": True,
    "more_like": [],
    "less_like": [],
    "datasets": [1],
    "query_image": 310,
    "share_url": None,
    "columns": [{"model": 3, "model_name": "Multi-Similarity", "indexes": [5], "took_ms": 14.2, "results": [RESULT]}],
    "problems": [{"model": 4, "model_name": "Theirs", "detail": "Theirs gave no results: its process crashed"}],
}


class ResultSerializer(serializers.Serializer[Result]):
    """One picture that a model found; `ranking` and `image` name it for a mark, see /marks/."""

    # For the schema: `columns_of` makes the values, of which there are hundreds in an answer.

    rank = serializers.IntegerField()
    image = serializers.IntegerField()
    dataset = serializers.IntegerField()
    dataset_name = serializers.CharField()
    path = serializers.CharField(help_text="Path of the picture in its data set.")
    class_name = serializers.CharField()
    similarity = serializers.FloatField(help_text="Cosine similarity to the query, -1 to 1.")
    mark = serializers.IntegerField(
        allow_null=True, min_value=0, max_value=2, help_text="Your mark: 0 no, 1 same kind, 2 exactly this; null: none."
    )
    ranking = serializers.IntegerField()
    url = serializers.URLField()
    thumbnail_url = serializers.URLField()


class ColumnSerializer(serializers.Serializer[Any]):
    """The results of one model, best first."""

    model = serializers.IntegerField()
    model_name = serializers.CharField()
    indexes = serializers.ListField(child=serializers.IntegerField())
    took_ms = serializers.FloatField()
    results = ResultSerializer(many=True)


class ModelProblemSerializer(serializers.Serializer[Any]):
    """An external model that gave no results."""

    model = serializers.IntegerField()
    model_name = serializers.CharField()
    detail = serializers.CharField(help_text="Reason, as a sentence.")


class ShownFiltersSerializer(serializers.Serializer[Any]):
    splits = serializers.ListField(child=serializers.CharField())
    classes = SearchedClassSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("A search", SEARCH)])
class SearchSerializer(KeptFieldsMixin, serializers.ModelSerializer[Search]):
    """A search with its results, one column per model."""

    # context["results"] has the SearchResults that were read already, by their keys.

    datasets = serializers.SerializerMethodField()
    filters = serializers.SerializerMethodField()
    share_url = serializers.SerializerMethodField()
    columns = serializers.SerializerMethodField()
    problems = serializers.SerializerMethodField()
    box = serializers.ListField(child=serializers.FloatField(), allow_null=True, read_only=True)
    more_like = serializers.ListField(child=serializers.IntegerField(), source="more", read_only=True)
    less_like = serializers.ListField(child=serializers.IntegerField(), source="less", read_only=True)

    class Meta:
        model = Search
        fields = (*SEARCH_FIELDS, "datasets", "query_image", "share_url", "columns", "problems")
        read_only_fields = fields

    @extend_schema_field(
        serializers.ListField(child=serializers.IntegerField(), help_text="Data sets that were searched, ascending.")
    )
    def get_datasets(self, search: Search) -> list[int]:
        """Return the keys in one order, however the data sets were named: the version of the search depends on it."""
        return sorted(dataset.pk for dataset in search.datasets.all())

    @extend_schema_field(ShownFiltersSerializer)
    def get_filters(self, search: Search) -> Fields:
        return filters_of(search)

    @extend_schema_field(serializers.URLField(allow_null=True, help_text="Share link; null if not shared."))
    def get_share_url(self, search: Search) -> str | None:
        if search.share_token is None:
            return None
        return str(reverse("shared", args=[search.share_token], request=self.context.get("request")))

    @extend_schema_field(ColumnSerializer(many=True))
    def get_columns(self, search: Search) -> Any:
        """Return each model's results, best first."""
        known: dict[Any, SearchResults] = self.context["results"]
        if search.pk not in known:
            known[search.pk] = results_of(search, self.context["request"].user)
        return columns_of(known[search.pk], self.context["request"])

    @extend_schema_field(ModelProblemSerializer(many=True))
    def get_problems(self, search: Search) -> Any:
        """Return the external models that gave no results."""
        return ModelProblemSerializer(problems_of(search), many=True).data


def columns_of(results: SearchResults, request: Request) -> list[Fields]:
    """Return the columns with the fields of ColumnSerializer and ResultSerializer."""
    urls = PictureUrls(request)
    return [
        {
            "model": column.model,
            "model_name": column.model_name,
            "indexes": column.indexes,
            "took_ms": column.took_ms,
            "results": [_result_fields(result, urls) for result in column.results],
        }
        for column in results.columns
    ]


def _result_fields(result: Result, urls: PictureUrls) -> Fields:
    return {
        **{name: getattr(result, name) for name in RESULT_FIELDS},
        "ranking": result.ranking,
        "url": urls.picture(result.image),
        "thumbnail_url": urls.thumbnail(result.image),
    }


@extend_schema_serializer(
    examples=[OpenApiExample("Saved", {"name": "Owls at dusk"}), OpenApiExample("Not saved", {"name": ""})]
)
class NameSerializer(StrictSerializer):
    """The name under which a search is saved."""

    name = serializers.CharField(
        allow_blank=True, trim_whitespace=False, help_text="Name of the saved search; empty removes it from saved."
    )
