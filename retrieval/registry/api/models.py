"""API of models: members see the published ones, curators see all and import external ones."""

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import IsCurator, signed_in
from config.api.schema import may_answer
from config.api.views import KEY, AnyAcceptNegotiation, VersionedViewSet
from jobs.api import JobSerializer, accepted
from jobs.idempotency import idempotent
from retrieval.models import Model
from retrieval.registry.attachments import model_attachment
from retrieval.registry.filters import ModelFilter, without_archived
from retrieval.registry.serializers import (
    DiagnosticsSerializer,
    ModelSerializer,
    NewModelSerializer,
    PartSerializer,
)
from retrieval.registry.services import deleting, diagnostics, external_models, visibility
from retrieval.registry.services import external_encoders as encoders
from retrieval.registry.services.model_files import PARTS, parts_of


class ModelViewSet(VersionedViewSet, ReadOnlyModelViewSet[Model]):
    """Models: trained here, or imported."""

    serializer_class = ModelSerializer
    parser_classes = (MultiPartParser,)
    queryset = Model.objects.none()  # for the schema; each request gets its own
    filterset_class = ModelFilter
    lookup_value_regex = KEY

    def get_permissions(self) -> list[BasePermission]:
        return [IsAuthenticated()] if self.request.method in SAFE_METHODS else [IsCurator()]

    def get_queryset(self) -> QuerySet[Model]:
        models = visibility.visible_models(self.request.user, archived=True)
        return without_archived(models, self.request) if self.action == "list" else models

    @extend_schema(request=NewModelSerializer, responses={202: JobSerializer})
    @may_answer(409)
    @idempotent
    def create(self, request: Request) -> Response:
        """Import an external model: weights with their JSON, or embeddings with their CSV."""
        form = NewModelSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return accepted(external_models.submit_model(**form.validated_data, by=signed_in(request)), request)

    @extend_schema(request=None, responses={202: JobSerializer})
    @may_answer(409)
    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        """Queue the deletion of a model with its run, files and indexes; 409 if jobs, ratings or marks use it.

        Searches stay without its results. If people rated or marked results, archive it instead.
        """
        return accepted(deleting.submit_deletion(self.get_object(), by=signed_in(request)), request)

    @extend_schema(request=None, responses=ModelSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """Archive the model: it is unpublished, lists leave it out, and its results and ratings stay."""
        model = self.get_object()
        deleting.archive(model, by=signed_in(request))
        return self.shown(model)

    @extend_schema(request=None, responses=ModelSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Restore an archived model, which stays unpublished."""
        model = self.get_object()
        deleting.restore(model, by=signed_in(request))
        return self.shown(model)

    @extend_schema(responses=DiagnosticsSerializer)
    @action(detail=True)
    def diagnostics(self, request: Request, pk: str) -> Response:
        """Get the diagnostics: held-out classes, worst queries with their results, and hubs."""
        model = self.get_object()
        details = diagnostics.details_of(model)
        if details is None:
            raise NotFound(f"{model.name} has no diagnostics: an older version made it; train it again")
        return Response(diagnostics.shown_details(model, details))

    @extend_schema(responses=PartSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None)
    def files(self, request: Request, pk: str) -> Response:
        """List its files: the network, its metrics, and the embeddings of all pictures."""
        rows = [{"part": part, **vars(download)} for part, download in parts_of(self.get_object())]
        return Response(PartSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="models_file",
        parameters=[OpenApiParameter("part", str, OpenApiParameter.PATH, enum=list(PARTS))],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(
        detail=True,
        url_path=r"files/(?P<part>[a-z]+)",
        url_name="file",
        content_negotiation_class=AnyAcceptNegotiation,
    )
    def file(self, request: Request, pk: str, part: str) -> FileResponse:
        """Download one of its files; `files` lists the checksum."""
        return model_attachment(self.get_object(), part)

    @extend_schema(request=None, responses=ModelSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        """Publish the model: people can search with it."""
        return self._set_published(True)

    @extend_schema(request=None, responses=ModelSerializer)
    @action(detail=True, methods=["post"])
    def unpublish(self, request: Request, pk: str) -> Response:
        """Unpublish the model: searches do not use it; its ratings and results stay."""
        return self._set_published(False)

    @extend_schema(request=None, responses=ModelSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"], url_path="set-default")
    def set_default(self, request: Request, pk: str) -> Response:
        """Let new searches take the model unless people choose others."""
        return self._set_default(True)

    @extend_schema(request=None, responses=ModelSerializer)
    @action(detail=True, methods=["post"], url_path="unset-default")
    def unset_default(self, request: Request, pk: str) -> Response:
        """Let new searches take the best models of each data set again, unless others are set."""
        return self._set_default(False)

    @extend_schema(request=None, responses=ModelSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Resume an external model that was suspended after too many failures."""
        model = self.get_object()
        encoders.resume(model, by=signed_in(request))
        model.refresh_from_db()
        return self.shown(model)

    def _set_published(self, published: bool) -> Response:
        model = self.get_object()
        visibility.set_published(model, published, by=signed_in(self.request))
        model.refresh_from_db()
        return self.shown(model)

    def _set_default(self, default: bool) -> Response:
        model = self.get_object()
        visibility.set_default(model, default, by=signed_in(self.request))
        model.refresh_from_db()
        return self.shown(model)
