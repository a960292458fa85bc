"""Data sets and their pictures over the API."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import IsCurator, signed_in
from config.api.views import Resource
from jobs.api import JobSerializer, accepted
from jobs.idempotency import idempotent
from retrieval.datasets import services
from retrieval.models import Dataset, Image
from retrieval.refusals import RefusalsAsProblems


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    class Meta:
        model = Dataset
        fields = (
            "id", "name", "slug", "licence", "attribution", "labelled", "public", "classes", "revision",
            "fingerprint", "report", "job", "created_at",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_field(OpenApiTypes.INT)
class VisibleDatasetField(serializers.PrimaryKeyRelatedField[Dataset]):
    """The key of a data set that the sender may see."""

    def get_queryset(self) -> QuerySet[Dataset]:
        return services.visible_datasets(self.context["request"].user)


class ImportSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    # The metaclass takes declared fields away, so this does not hide Field.source.
    source = serializers.CharField(required=False, max_length=400, default="")  # type: ignore[assignment]
    archive = serializers.FileField(required=False, default=None)
    licence = serializers.CharField(required=False, max_length=300, default="", allow_blank=True)
    attribution = serializers.CharField(required=False, max_length=300, default="", allow_blank=True)
    labelled = serializers.BooleanField(required=False, default=True)
    public = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs["source"]) == bool(attrs["archive"]):
            raise serializers.ValidationError("give either source or archive")
        return attrs


class ImageSerializer(serializers.ModelSerializer[Image]):
    class_name = serializers.CharField(read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Image
        fields = ("id", "path", "label", "class_name", "split", "sha256", "width", "height", "url")
        read_only_fields = fields

    def get_url(self, image: Image) -> str:
        return str(reverse("picture", args=[image.pk], request=self.context.get("request")))


class DatasetViewSet(RefusalsAsProblems, Resource, ListModelMixin, RetrieveModelMixin, GenericViewSet[Dataset]):
    """Data sets: everybody who may see them; import for curators."""

    serializer_class = DatasetSerializer
    queryset = Dataset.objects.none()
    parser_classes = (JSONParser, MultiPartParser, FormParser)
    lookup_value_regex = r"\d+"

    def get_permissions(self) -> list[BasePermission]:
        return [IsCurator()] if self.action == "create" else [IsAuthenticated()]

    def get_queryset(self) -> QuerySet[Dataset]:
        return services.visible_datasets(self.request.user)

    @extend_schema(request=ImportSerializer, responses={202: JobSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Queue the import of an archive or a server path; follow the job at `Location`."""
        form = ImportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        dataset = services.submit_import(**form.validated_data, by=signed_in(request))
        if dataset.job is None:
            raise serializers.ValidationError("the import has no job")
        return accepted(dataset.job, request)

    @extend_schema(responses={200: ImageSerializer(many=True)})
    @action(detail=True, serializer_class=ImageSerializer)
    def images(self, request: Request, pk: str) -> Response:
        """List the pictures of a data set."""
        rows: Any = services.visible_images(request.user).filter(dataset=self.get_object())
        self.page_order = ("id",)
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(ImageSerializer(page, many=True, context={"request": request}).data)
