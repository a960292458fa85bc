"""Searches over the API."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import ModelViewSet

from accounts.permissions import signed_in
from retrieval.datasets.api import VisibleDatasetField
from retrieval.datasets.services import visible_images
from retrieval.models import Dataset, Model, Search
from retrieval.refusals import RefusalsAsProblems
from retrieval.search import services


class NewSearchSerializer(serializers.Serializer[Any]):
    """Give exactly one of picture (multipart) and image (a picture of the data set)."""

    datasets = VisibleDatasetField(many=True, allow_empty=False)
    models = serializers.ListField(
        child=serializers.IntegerField(min_value=1), required=False, default=list, help_text="Default: all."
    )
    k = serializers.IntegerField(required=False, default=None, allow_null=True, help_text="12 by default.")
    picture = serializers.FileField(required=False, default=None)
    image = serializers.IntegerField(required=False, default=None, min_value=1)

    def validate_picture(self, value: Any) -> Any:
        if value is not None and value.size > settings.PICTURE_MAX_BYTES:
            raise serializers.ValidationError(f"at most {settings.PICTURE_MAX_BYTES // 2**20} MB are read")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["picture"] is None) == (attrs["image"] is None):
            raise serializers.ValidationError("give exactly one of picture and image")
        if attrs["image"] is not None:
            pictures = visible_images(self.context["request"].user).filter(hidden=False)
            image = pictures.filter(pk=attrs["image"]).first()
            if image is None:
                raise serializers.ValidationError({"image": f"there is no picture {attrs['image']}"})
            attrs["image"] = image
        return attrs


def _models(datasets: list[Dataset], wanted: list[int]) -> list[Model]:
    """Return the models asked for, all that can search when none is named.

    Raises:
        ValidationError: one of them can search none of the data sets.
    """
    able = {model.pk: model for model in services.searchable_models(*datasets)}
    for pk in wanted:
        if pk not in able:
            names = " or ".join(dataset.name for dataset in datasets)
            raise serializers.ValidationError({"models": f"no model {pk} can search {names}"})
    return [able[pk] for pk in wanted or able]


class SearchSerializer(serializers.ModelSerializer[Search]):
    results = serializers.SerializerMethodField()
    shared_at = serializers.SerializerMethodField()

    class Meta:
        model = Search
        fields = ("id", "datasets", "query_image", "k", "created_at", "shared_at", "results")
        read_only_fields = fields

    def get_shared_at(self, search: Search) -> str | None:
        if search.share_token is None:
            return None
        return str(reverse("shared", args=[search.share_token], request=self.context.get("request")))

    def get_results(self, search: Search) -> list[dict[str, Any]]:
        """Give each model's answers, best first, with cosine similarities."""
        return [
            {
                "model": column["model"].pk,
                "model_name": column["model"].name,
                "indexes": [ranking.index_id for ranking in column["rankings"]],
                "took_ms": round(column["took_ms"], 2),
                "answers": [
                    {
                        "rank": answer["rank"],
                        "ranking": answer["ranking"].pk,
                        "image": answer["image"].pk,
                        "class_name": answer["image"].class_name,
                        "similarity": answer["score"],
                    }
                    for answer in column["answers"]
                ],
            }
            for column in services.answers_of(search)
        ]


class SearchViewSet(RefusalsAsProblems, ModelViewSet[Search]):
    """One's own searches."""

    serializer_class = SearchSerializer
    queryset = Search.objects.none()
    parser_classes = (JSONParser, MultiPartParser, FormParser)
    http_method_names = ("get", "post", "delete", "head", "options")
    lookup_value_regex = r"[0-9a-f-]{36}"

    def get_queryset(self) -> QuerySet[Search]:
        return services.visible_searches(self.request.user)

    @extend_schema(request=NewSearchSerializer, responses={201: SearchSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask for the pictures most like one."""
        form = NewSearchSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values = form.validated_data
        search = services.ask(
            datasets=values["datasets"],
            models=_models(values["datasets"], values["models"]),
            k=values["k"],
            by=signed_in(request),
            image=values["image"],
            upload=values["picture"].read() if values["picture"] else None,
        )
        where = reverse("api-search-detail", args=[search.pk], request=request)
        body = self.get_serializer(search).data
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": where})

    def perform_destroy(self, instance: Search) -> None:
        services.delete_search(instance)

    @extend_schema(request=None, responses={200: SearchSerializer})
    @action(detail=True, methods=["post", "delete"])
    def share(self, request: Request, pk: str) -> Response:
        """Make a link (POST) or revoke it (DELETE)."""
        search = self.get_object()
        services.set_shared(search, request.method == "POST")
        return Response(self.get_serializer(search).data)
