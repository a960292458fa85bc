"""The classes of a data set over the API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import signed_in
from config.api.schema import may_answer
from config.api.views import KEY, VersionedViewSet
from retrieval.datasets.serializers import (
    ChangedSerializer,
    ClassChanges,
    ClassesSerializer,
    DatasetSerializer,
    Merge,
)
from retrieval.datasets.services import curating
from retrieval.datasets.services.classes import class_counts
from retrieval.models import Dataset

ONE_CLASS = rf"classes/(?P<label>{KEY})"
LABEL = OpenApiParameter(
    "label", int, OpenApiParameter.PATH, description="Label of the class: an index into `classes`."
)


class ClassActions(VersionedViewSet):
    """Classes of a data set; `If-Match` names the version of the data set."""

    @extend_schema(responses={200: ClassesSerializer}, filters=False)
    @action(detail=True)
    def classes(self, request: Request, pk: str) -> Response:
        """List every class with visible pictures, by label."""
        rows = class_counts(self.get_object())
        return Response({"results": self.get_serializer(rows, many=True).data})

    classes.chosen = True  # type: ignore[attr-defined]  # the schema asks

    @extend_schema(request=ClassChanges, responses=DatasetSerializer, parameters=[LABEL])
    @may_answer(409)
    @action(detail=True, methods=["patch"], url_path=ONE_CLASS)
    def rename_class(self, request: Request, pk: str, label: str) -> Response:
        """Rename a class; its label stays."""
        form = ClassChanges(data=request.data)
        form.is_valid(raise_exception=True)
        dataset, number = self._class(label)
        curating.rename_class(dataset, number, **form.validated_data, by=signed_in(request))
        return self.shown(self.find())

    @extend_schema(request=Merge, responses=ChangedSerializer, parameters=[LABEL])
    @may_answer(409)
    @action(detail=True, methods=["post"], url_path=f"{ONE_CLASS}/merge")
    def merge_class(self, request: Request, pk: str, label: str) -> Response:
        """Merge a class into another, which keeps its name."""
        form = Merge(data=request.data)
        form.is_valid(raise_exception=True)
        dataset, number = self._class(label)
        count = curating.merge_classes(dataset, number, **form.validated_data, by=signed_in(request))
        return Response({"changed": count})

    def _class(self, label: str) -> tuple[Dataset, int]:
        """Return the data set and the label of one of its classes, which may have hidden pictures only."""
        dataset = self.get_object()
        if not dataset.images.filter(label=int(label)).exists():
            raise NotFound(f"{dataset.name} has no class number {label}")
        return dataset, int(label)
