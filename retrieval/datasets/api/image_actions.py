"""The pictures of one data set over the API: listed, added, hidden, shown, moved and deleted."""

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import IsCurator, signed_in
from accounts.roles import Visitor
from config.api.schema import may_answer
from config.api.views import KEY, VersionedViewSet
from jobs.api import JobSerializer, accepted
from jobs.idempotency import idempotent
from retrieval.datasets.filters import ImageFilter
from retrieval.datasets.image_serializers import ChosenImages, ImageSerializer, NewFolder, NewImages, Relabel
from retrieval.datasets.serializers import ChangedSerializer
from retrieval.datasets.services import adding, curating, visibility
from retrieval.datasets.services.deleting_pictures import submit_picture_deletion
from retrieval.datasets.services.upload_import import submit_folder
from retrieval.models import Image


def listed_images(user: Visitor) -> QuerySet[Image]:
    """Return the pictures that a person may see, as the API lists them."""
    return visibility.visible_images(user).named()


class Curated(VersionedViewSet):
    """Objects that everybody reads who may see them, and curators change."""

    lookup_value_regex = KEY

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny()] if self.request.method in SAFE_METHODS else [IsCurator()]

    def find(self) -> Any:
        """Return the object that the URL names; filters apply to lists alone."""
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])


class ImageActions(Curated):
    """Pictures of a data set; `If-Match` names the version of the data set."""

    @extend_schema(responses={200: ImageSerializer(many=True)})
    @action(detail=True, filterset_class=ImageFilter)
    def images(self, request: Request, pk: str) -> Response:
        """List the pictures of a data set; hidden ones are for curators."""
        self.page_order = ("id",)
        rows: Any = self.filter_queryset(listed_images(request.user).filter(dataset=self.get_object()))
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    images.chosen = True  # type: ignore[attr-defined]  # the schema asks

    @extend_schema(
        request={"multipart/form-data": NewImages, "application/json": NewFolder}, responses={202: JobSerializer}
    )
    @may_answer(409)
    @images.mapping.post
    @idempotent
    def add_images(self, request: Request, pk: str) -> Response:
        """Queue a job that adds pictures or one archive of them to a class, or an upload by its class folders."""
        is_form = isinstance(request.data, QueryDict)
        form = NewImages(data=request.data) if is_form else NewFolder(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        if not is_form:
            return accepted(submit_folder(self.get_object(), **values, by=signed_in(request)), request)
        job = adding.submit_pictures(
            self.get_object(),
            values["pictures"],
            values["class_name"],
            new=values["new"],
            split=values["split"],
            by=signed_in(request),
        )
        return accepted(job, request)

    @extend_schema(request=ChosenImages, responses=ChangedSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"], url_path="images/hide")
    def hide_images(self, request: Request, pk: str) -> Response:
        """Hide pictures: exclude them from search, training and evaluation."""
        return self._set_hidden(request, True)

    @extend_schema(request=ChosenImages, responses=ChangedSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"], url_path="images/show")
    def show_images(self, request: Request, pk: str) -> Response:
        """Unhide pictures."""
        return self._set_hidden(request, False)

    def _set_hidden(self, request: Request, hidden: bool) -> Response:
        form = ChosenImages(data=request.data)
        form.is_valid(raise_exception=True)
        selected = form.validated_data["images"]
        return Response({"changed": curating.set_hidden(self.get_object(), selected, hidden, by=signed_in(request))})

    @extend_schema(request=Relabel, responses=ChangedSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"], url_path="images/relabel")
    def relabel_images(self, request: Request, pk: str) -> Response:
        """Move pictures to an existing or a new class."""
        form = Relabel(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        count = curating.relabel(
            self.get_object(),
            values["images"],
            values["class_name"],
            new=values["new"],
            split=values["split"],
            by=signed_in(request),
        )
        return Response({"changed": count})

    @extend_schema(request=ChosenImages, responses={202: JobSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"], url_path="images/delete")
    @idempotent
    def delete_images(self, request: Request, pk: str) -> Response:
        """Queue the deletion of pictures. It cannot be undone; hiding can."""
        form = ChosenImages(data=request.data)
        form.is_valid(raise_exception=True)
        selected = form.validated_data["images"]
        return accepted(submit_picture_deletion(self.get_object(), selected, by=signed_in(request)), request)
