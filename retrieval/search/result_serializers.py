"""What the API shows of a search, and of what its answers say."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from config.api.strict import StrictSerializer
from retrieval.datasets.image_serializers import picture_url, thumbnail_url
from retrieval.models import Search
from retrieval.search.serializers import SearchedClassSerializer
from retrieval.search.services import options as terms_services
from retrieval.search.services import results as answers_services

ANSWER = {
    "rank": 1,
    "ranking": 51,
    "image": 311,
    "dataset": 1,
    "class_name": "Tawny owl",
    "similarity": 0.913204,
    "url": "https://kindred.example.org/api/v1/images/311/file/",
    "thumbnail_url": "https://kindred.example.org/api/v1/images/311/file/?size=thumbnail",
}
SEARCH = {
    "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "name": "Owls at dusk",
    "datasets": [1],
    "query_image": 310,
    "box": [0.1, 0.2, 0.9, 0.8],
    "k": 12,
    "threshold": 0.4,
    "filters": {"splits": ["test"], "classes": [{"dataset": 1, "label": 7}]},
    "exclude_self": True,
    "more": [],
    "less": [],
    "root": None,
    "created_at": "2026-05-04T09:30:00Z",
    "shared_at": None,
    "results": [{"model": 3, "model_name": "Multi-Similarity", "indexes": [5], "took_ms": 14.2, "answers": [ANSWER]}],
    "problems": [{"model": 4, "model_name": "Theirs", "detail": "Theirs gave no results: its process crashed"}],
}


class AnswerSerializer(serializers.Serializer[Any]):
    """A picture that answers; with `ranking` and `image` it is marked, see relevance."""

    rank = serializers.IntegerField()
    ranking = serializers.IntegerField()
    image = serializers.IntegerField()
    dataset = serializers.IntegerField()
    class_name = serializers.CharField()
    similarity = serializers.FloatField(help_text="A cosine, -1 to 1.")
    url = serializers.URLField()
    thumbnail_url = serializers.URLField()


class ColumnSerializer(serializers.Serializer[Any]):
    """What one model answers, best first."""

    model = serializers.IntegerField()
    model_name = serializers.CharField()
    indexes = serializers.ListField(child=serializers.IntegerField())
    took_ms = serializers.FloatField()
    answers = AnswerSerializer(many=True)


class ProblemOfModelSerializer(serializers.Serializer[Any]):
    """An external model that was asked and gave no results."""

    model = serializers.IntegerField()
    model_name = serializers.CharField()
    detail = serializers.CharField(help_text="A sentence on why.")


class ShownFiltersSerializer(serializers.Serializer[Any]):
    splits = serializers.ListField(child=serializers.CharField())
    classes = SearchedClassSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("A search", SEARCH)])
class SearchSerializer(serializers.ModelSerializer[Search]):
    """`context["columns"]`: the answers of searches that are had already, by their keys."""

    filters = serializers.SerializerMethodField()
    shared_at = serializers.SerializerMethodField()
    results = serializers.SerializerMethodField()
    problems = serializers.SerializerMethodField()
    box = serializers.ListField(child=serializers.FloatField(), allow_null=True, read_only=True)
    more = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    less = serializers.ListField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Search
        fields = (
            "id", "name", "datasets", "query_image", "box", "k", "threshold", "filters", "exclude_self", "more", "less",
            "root", "created_at", "shared_at", "results", "problems",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ShownFiltersSerializer)
    def get_filters(self, search: Search) -> dict[str, Any]:
        terms = terms_services.terms_of(search)
        classes = [{"dataset": dataset, "label": label} for dataset, label in terms.classes]
        return {"splits": list(terms.splits), "classes": classes}

    @extend_schema_field(serializers.URLField(allow_null=True, help_text="The link of a shared search."))
    def get_shared_at(self, search: Search) -> str | None:
        if search.share_token is None:
            return None
        return str(reverse("shared", args=[search.share_token], request=self.context.get("request")))

    @extend_schema_field(ColumnSerializer(many=True))
    def get_results(self, search: Search) -> list[dict[str, Any]]:
        """Give each model's answers, best first, with cosine similarities."""
        known = self.context["columns"]
        if search.pk not in known:
            known[search.pk] = answers_services.answers_of(search, self.context["request"].user)
        return [
            {
                "model": column["model"].pk,
                "model_name": column["model"].name,
                "indexes": [ranking.index_id for ranking in column["rankings"]],
                "took_ms": round(column["took_ms"], 2),
                "answers": [self._answer(answer) for answer in column["answers"]],
            }
            for column in known[search.pk]
        ]

    @extend_schema_field(ProblemOfModelSerializer(many=True))
    def get_problems(self, search: Search) -> list[dict[str, Any]]:
        """Give the external models that gave no results."""
        return [
            {"model": problem["model"].pk, "model_name": problem["model"].name, "detail": problem["detail"]}
            for problem in answers_services.problems_of(search)
        ]

    def _answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        image, request = answer["image"], self.context.get("request")
        return {
            "rank": answer["rank"],
            "ranking": answer["ranking"].pk,
            "image": image.pk,
            "dataset": image.dataset_id,
            "class_name": image.class_name,
            "similarity": answer["score"],
            "url": picture_url(image.pk, request),
            "thumbnail_url": thumbnail_url(image.pk, request),
        }


@extend_schema_serializer(
    examples=[OpenApiExample("Saved", {"name": "Owls at dusk"}), OpenApiExample("Saved no more", {"name": ""})]
)
class NameSerializer(StrictSerializer):
    """Under which name a search is saved."""

    name = serializers.CharField(allow_blank=True, trim_whitespace=False, help_text="Empty: it is saved no more.")
