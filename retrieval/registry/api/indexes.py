"""API of indexes, for curators."""

from typing import Any

from django.db.models import QuerySet
from django_filters import FilterSet, ModelChoiceFilter  # type: ignore[import-untyped]
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import IsCurator, signed_in
from config.api.fields import KeyField
from config.api.filter_fields import TrueOrFalse
from config.api.schema import may_answer
from config.api.strict import StrictSerializer
from config.api.views import KEY, VersionedViewSet
from jobs.api import JobSerializer, accepted
from jobs.idempotency import idempotent
from retrieval.datasets.api.datasets import VisibleDatasetField
from retrieval.models import Dataset, Index, Model
from retrieval.registry.label_serializers import LabelReportSerializer
from retrieval.registry.services import indexes as services
from retrieval.registry.services.label_issues import label_report
from retrieval.registry.services.visibility import visible_models

INDEX = {
    "id": 6,
    "model": 3,
    "dataset": 1,
    "revision": 2,
    "recall": 0.998,
    "count": 5924,
    "active": True,
    "manifest": {"format": 1, "space": "ip", "dim": 512, "M": 16, "ef": 50},
    "created_at": "2026-05-04T09:30:00Z",
}


@extend_schema_serializer(examples=[OpenApiExample("The active index", INDEX)])
class IndexSerializer(serializers.ModelSerializer[Index]):
    manifest = serializers.DictField(read_only=True, help_text="Settings and checksums, as built.")

    class Meta:
        model = Index
        fields = ("id", "model", "dataset", "revision", "recall", "count", "active", "manifest", "created_at")
        read_only_fields = fields


@extend_schema_field(OpenApiTypes.INT)
class VisibleModelField(serializers.PrimaryKeyRelatedField[Model]):
    """The key of a model that the sender may see."""

    def get_queryset(self) -> QuerySet[Model]:
        return visible_models(self.context["request"].user)


@extend_schema_serializer(examples=[OpenApiExample("The model's own data set", {"model": 3})])
class NewIndexSerializer(StrictSerializer):
    model = VisibleModelField(pk_field=KeyField())
    dataset: Any = VisibleDatasetField(
        pk_field=KeyField(),
        required=False,
        allow_null=True,
        default=None,
        help_text="Data set to index; default: the one the model was trained on.",
    )


class IndexFilter(FilterSet):  # type: ignore[misc]
    model = ModelChoiceFilter(queryset=Model.objects.all())
    dataset = ModelChoiceFilter(queryset=Dataset.objects.all())
    active = TrueOrFalse()

    class Meta:
        model = Index
        fields = ("model", "dataset", "active")


class IndexViewSet(VersionedViewSet, ReadOnlyModelViewSet[Index]):
    """All indexes that were built. Each model and data set have one active index at most."""

    serializer_class = IndexSerializer
    permission_classes = (IsCurator,)
    queryset = Index.objects.all()
    filterset_class = IndexFilter
    lookup_value_regex = KEY

    @extend_schema(request=NewIndexSerializer, responses={202: JobSerializer})
    @may_answer(409)
    @idempotent
    def create(self, request: Request) -> Response:
        """Queue the build of a model's index. The active index answers searches until the new one replaces it."""
        form = NewIndexSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return accepted(services.submit_index(**form.validated_data, by=signed_in(request)), request)

    @extend_schema(request=None, responses=IndexSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str) -> Response:
        """Activate an index: a new one, or an older one to roll back."""
        index = self.get_object()
        services.activate(index, by=signed_in(request))
        return self.shown(index)

    @extend_schema(responses=LabelReportSerializer)
    @may_answer(409)
    @action(detail=True, url_path="label-issues")
    def label_issues(self, request: Request, pk: str) -> Response:
        """List the pictures whose label looks wrong by their neighbours in the index, most certain first."""
        return Response(LabelReportSerializer(label_report(self.get_object())).data)
