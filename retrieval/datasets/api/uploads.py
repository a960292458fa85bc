"""Uploads over the API: files of a folder are sent one by one, then imported or added together."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.utils.urls import replace_query_param
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import IsCurator, signed_in
from config.api.pagination import CursorPages
from config.api.parsers import JSONParser
from config.api.schema import may_answer
from config.api.strict import StrictSerializer
from config.api.views import UUID, VersionedViewSet
from config.errors import Rejected
from retrieval.datasets.services import upload_files as files_services
from retrieval.datasets.services import upload_paths as paths_services
from retrieval.datasets.services import uploads
from retrieval.datasets.services.upload_files import StoredFile
from retrieval.models import Upload

MOST_AT_ONCE = settings.DATA_UPLOAD_MAX_NUMBER_FILES
UPLOAD = {
    "id": "0d8f7a4e-6a52-4c57-9f3e-1d2b8c6f5a10",
    "files": 120,
    "bytes": 8431222,
    "created_at": "2026-05-04T09:30:00Z",
    "expires_at": "2026-05-11T09:42:00Z",
}
STORED = {"path": "owls/1.jpg", "sha256": "9f" * 32, "size": 70123}


@extend_schema_serializer(examples=[OpenApiExample("An upload", UPLOAD)])
class UploadSerializer(serializers.ModelSerializer[Upload]):
    expires_at = serializers.DateTimeField(
        read_only=True, help_text="Time of deletion, unless files are added or a job uses it before."
    )

    class Meta:
        model = Upload
        fields = ("id", "files", "bytes", "created_at", "expires_at")
        read_only_fields = fields


@extend_schema_serializer(examples=[OpenApiExample("An empty body", {})])
class NewUploadSerializer(StrictSerializer):
    """An upload begins empty."""


@extend_schema_serializer(examples=[OpenApiExample("A stored file", STORED)])
class StoredFileSerializer(serializers.Serializer[StoredFile]):
    path = serializers.CharField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()


@extend_schema_serializer(examples=[OpenApiExample("The stored files", {"stored": [STORED]})])
class StoredFilesSerializer(serializers.Serializer[Any]):
    stored = StoredFileSerializer(many=True)


class PathField(serializers.CharField):
    """The path of a file in an upload."""

    def __init__(self) -> None:
        super().__init__(
            trim_whitespace=False, help_text="Path such as owls/1.jpg: a class folder first, at most 6 parts."
        )

    def to_internal_value(self, data: Any) -> str:
        """Return the path if it is valid."""
        path = super().to_internal_value(data)
        try:
            paths_services.checked_path(path)
        except Rejected as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal
        return path


class NewFilesSerializer(StrictSerializer):
    """Files, and in the same order their paths."""

    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=MOST_AT_ONCE
    )
    paths = serializers.ListField(child=PathField(), min_length=1, max_length=MOST_AT_ONCE)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs["files"]) != len(attrs["paths"]):
            message = f"{len(attrs['paths'])} paths came with {len(attrs['files'])} files; send one for each"
            raise serializers.ValidationError({"paths": message})
        return attrs


class WaitingUploadField(serializers.UUIDField):
    """The id of an upload that no job has used yet."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the upload."""
        upload = uploads.visible_uploads().filter(pk=super().to_internal_value(data)).first()
        if upload is None:
            raise serializers.ValidationError(f"there is no upload {data}; a job may have used it already")
        return upload


class FilePages(CursorPages):
    """The files of an upload by path; a cursor is the last path that was given, and pages are walked forwards."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        """Return a page of an upload's files."""
        size = self.get_page_size(request)
        files = files_services.files_of(queryset, after=_path_in(request.query_params.get("cursor")), most=size + 1)
        self.here = request.build_absolute_uri()
        self.following: str | None = None
        if len(files) > size:
            self.following = urlsafe_b64encode(files[size - 1].path.encode()).decode()
        return files[:size]

    def get_next_link(self) -> Any:
        return replace_query_param(self.here, "cursor", self.following) if self.following else None

    def get_previous_link(self) -> Any:
        return None


def _path_in(cursor: str | None) -> tuple[str, ...]:
    """Return the parts of the path that a cursor is; none without one.

    Raises:
        ValidationError: it is none of ours.
    """
    if cursor is None:
        return ()
    try:
        return paths_services.checked_path(urlsafe_b64decode(cursor.encode()).decode())
    except (ValueError, Rejected) as error:
        raise serializers.ValidationError({"cursor": "invalid cursor; take it from `next` of a page"}) from error


class UploadViewSet(
    VersionedViewSet,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Upload],
):
    """Uploads of pictures, for curators. An upload that a job uses is no longer listed."""

    serializer_class = UploadSerializer
    permission_classes = (IsCurator,)
    parser_classes = (JSONParser,)
    queryset: QuerySet[Upload] = uploads.visible_uploads()
    lookup_url_kwarg = "id"
    lookup_value_regex = UUID

    @extend_schema(request=NewUploadSerializer, responses={201: UploadSerializer})
    @may_answer(409)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Create an empty upload; then send files."""
        NewUploadSerializer(data=request.data).is_valid(raise_exception=True)
        upload = uploads.begin_upload(signed_in(request))
        where = reverse("api-upload-detail", args=[upload.pk], request=request)
        return self.shown(upload, status.HTTP_201_CREATED, {"Location": where})

    def perform_destroy(self, instance: Upload) -> None:
        uploads.delete_upload(instance)

    @extend_schema(responses=StoredFileSerializer(many=True))
    @action(detail=True, pagination_class=FilePages, parser_classes=[MultiPartParser])
    def files(self, request: Request, id: str) -> Response:
        """List the stored files by path: they need not be sent again."""
        page: Any = self.paginate_queryset(self.get_object())
        return self.get_paginated_response(StoredFileSerializer(page, many=True).data)

    @extend_schema(request=NewFilesSerializer, responses=StoredFilesSerializer)
    @may_answer(409)
    @files.mapping.post
    def send_files(self, request: Request, id: str) -> Response:
        """Store files by path; a file with the same path is replaced."""
        upload = self.get_object()
        form = NewFilesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        try:
            stored = files_services.store_files(upload, list(zip(values["paths"], values["files"], strict=True)))
        except Upload.DoesNotExist:
            raise NotFound(f"there is no upload {id} any more; a job used it, or it was deleted") from None
        return Response(StoredFilesSerializer({"stored": stored}).data)
