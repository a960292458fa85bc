"""Pictures of all data sets over the API."""

from collections.abc import Callable, Mapping
from pathlib import Path

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import signed_in
from config.api.schema import may_answer
from config.api.views import AnyAcceptNegotiation
from jobs.api import JobSerializer, accepted
from jobs.idempotency import idempotent
from retrieval.datasets.api.image_actions import Curated, listed_images
from retrieval.datasets.filters import ImageFilter
from retrieval.datasets.image_serializers import ImageChanges, ImageSerializer
from retrieval.datasets.services import curating, pictures
from retrieval.datasets.services.deleting_pictures import submit_picture_deletion
from retrieval.files import jpeg_response
from retrieval.models import Dataset, Image

SIZES: Mapping[str, Callable[[Image], Path]] = {
    "full": pictures.shown_picture_of,
    "thumbnail": pictures.thumbnail_of,
}
SIZE = OpenApiParameter("size", str, enum=list(SIZES), default="full")


class ImageViewSet(Curated, ListModelMixin, RetrieveModelMixin, GenericViewSet[Image]):
    """Pictures of the data sets that you can see; curators change them."""

    serializer_class = ImageSerializer
    filterset_class = ImageFilter
    queryset = Image.objects.none()  # for the schema; each request gets its own
    page_order = ("id",)

    def get_queryset(self) -> QuerySet[Image]:
        return listed_images(self.request.user)

    def hold(self, thing: Image) -> None:
        """Hold the data set, as every other change of its pictures does."""
        Dataset.objects.select_for_update().filter(pk=thing.dataset_id).first()

    @extend_schema(request=ImageChanges, responses=ImageSerializer)
    @may_answer(409)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Hide or show a picture, move it to another class, or both."""
        form = ImageChanges(data=request.data)
        form.is_valid(raise_exception=True)
        curating.amend_picture(self.get_object(), **form.validated_data, by=signed_in(request))
        return self.shown(self.find())

    @extend_schema(request=None, responses={202: JobSerializer})
    @may_answer(409)
    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        """Queue the deletion of a picture. It cannot be undone; hiding can."""
        image = self.get_object()
        return accepted(submit_picture_deletion(image.dataset, [image.pk], by=signed_in(request)), request)

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY}, parameters=[SIZE], filters=False)
    @action(detail=True, content_negotiation_class=AnyAcceptNegotiation)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """Return a picture as an upright JPEG without camera metadata."""
        size = request.query_params.get("size", "full")
        if size not in SIZES:
            raise ValidationError({"size": f"size must be {' or '.join(SIZES)}, not {size[:20]!r}"})
        image = self.get_object()
        return jpeg_response(request, lambda: SIZES[size](image))
