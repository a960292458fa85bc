"""Data sets over the API; their classes and pictures are in the modules beside."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import signed_in
from config.api.parsers import JSONParser
from config.api.schema import may_answer
from jobs.api import JobSerializer, accepted
from jobs.idempotency import idempotent
from retrieval.datasets.api.classes import ClassActions
from retrieval.datasets.api.image_actions import ImageActions
from retrieval.datasets.filters import DatasetFilter
from retrieval.datasets.image_serializers import ImageSerializer
from retrieval.datasets.serializers import (
    ClassSerializer,
    DatasetChanges,
    DatasetSerializer,
    NewDataset,
    NewPreview,
    Reimport,
)
from retrieval.datasets.services import curating, deleting, importing, previewing, reimporting, visibility
from retrieval.models import Dataset

LISTED = {"images": ImageSerializer, "classes": ClassSerializer}
"""Serializers of actions that list parts of a data set; all others, and versions, are of the data set itself."""

TAKE_FILES = ("create", "preview", "reimport", "add_images")
"""Actions that also take forms; the others take JSON alone: a form cannot tell a missing box from an empty one."""


@extend_schema_field(OpenApiTypes.INT)
class VisibleDatasetField(serializers.PrimaryKeyRelatedField[Dataset]):
    """The key of a data set that the sender may see."""

    def get_queryset(self) -> QuerySet[Dataset]:
        return visibility.visible_datasets(self.context["request"].user)


class DatasetViewSet(ClassActions, ImageActions, ListModelMixin, RetrieveModelMixin, GenericViewSet[Dataset]):
    """Data sets that you can see; curators change them."""

    serializer_class = DatasetSerializer
    filterset_class = DatasetFilter
    queryset = Dataset.objects.none()  # for the schema; each request gets its own

    def get_queryset(self) -> QuerySet[Dataset]:
        datasets = visibility.visible_datasets(self.request.user)
        return datasets.prefetch_related("classes") if self.action == "list" else datasets

    def get_serializer_class(self) -> Any:
        return LISTED.get(self.action, DatasetSerializer)

    def get_parsers(self) -> list[BaseParser]:
        method = getattr(self.request, "method", None) or ""  # the schema asks before there is a request
        taken = (self.action_map or {}).get(method.lower())  # `self.action` is not known yet
        return [JSONParser(), MultiPartParser()] if taken in TAKE_FILES else super().get_parsers()

    @extend_schema(request=NewDataset, responses={202: JobSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Queue the import of an archive, an upload, a server path or the built-in set; `result` has the id."""
        form = NewDataset(data=request.data)
        form.is_valid(raise_exception=True)
        dataset = importing.submit_import(**form.validated_data, by=signed_in(request))
        if dataset.job is None:
            raise serializers.ValidationError("the import has no job")
        return accepted(dataset.job, request)

    @extend_schema(request=NewPreview, responses={202: JobSerializer})
    @may_answer(409)
    @action(detail=False, methods=["post"])
    @idempotent
    def preview(self, request: Request) -> Response:
        """Queue the preview of an import, which stores no data set; `result` says what would be imported.

        An archive is kept as an upload, whose id is in `result`: import it with `POST /datasets/`.
        """
        form = NewPreview(data=request.data)
        form.is_valid(raise_exception=True)
        return accepted(previewing.submit_preview(**form.validated_data, by=signed_in(request)), request)

    @extend_schema(request=DatasetChanges, responses=DatasetSerializer)
    @may_answer(409)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change licence, attribution, or whether the data set is public."""
        form = DatasetChanges(data=request.data)
        form.is_valid(raise_exception=True)
        curating.amend(self.get_object(), **form.validated_data, by=signed_in(request))
        return self.shown(self.find())

    @extend_schema(request=None, responses={202: JobSerializer})
    @may_answer(409)
    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        """Queue the deletion of a data set with its pictures, indexes and searches; 409 while it is in use."""
        return accepted(deleting.submit_deletion(self.get_object(), by=signed_in(request)), request)

    @extend_schema(request=Reimport, responses={202: JobSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    @idempotent
    def reimport(self, request: Request, pk: str) -> Response:
        """Queue another import of a data set, from its source or another one, or a dry run of it."""
        form = Reimport(data=request.data)
        form.is_valid(raise_exception=True)
        job = reimporting.submit_reimport(self.get_object(), **form.validated_data, by=signed_in(request))
        return accepted(job, request)
