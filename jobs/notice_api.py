"""API of notices: one's own, and marking them as read."""

from django.db.models import QuerySet
from django_filters import rest_framework as filters  # type: ignore[import-untyped]
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import signed_in
from config.api.filter_fields import TrueOrFalse
from config.api.views import KEY, VersionedViewSet
from jobs import notices as services
from jobs.models import Notice

NOTICE = {
    "id": 7,
    "outcome": "succeeded",
    "title": "Experiment Two losses finished",
    "detail": "6 of 6 runs succeeded.",
    "url": "/lab/experiments/2/",
    "created_at": "2026-05-04T10:12:00Z",
    "read_at": None,
}


@extend_schema_serializer(examples=[OpenApiExample("A notice", NOTICE)])
class NoticeSerializer(serializers.ModelSerializer[Notice]):
    url = serializers.CharField(read_only=True, help_text="Path of the page of the work.")

    class Meta:
        model = Notice
        fields = ("id", "outcome", "title", "detail", "url", "created_at", "read_at")
        read_only_fields = fields


@extend_schema_serializer(examples=[OpenApiExample("Three", {"read": 3})])
class ReadSerializer(serializers.Serializer[dict[str, int]]):
    read = serializers.IntegerField(help_text="Number of notices that were not read before.")


class NoticeFilter(filters.FilterSet):  # type: ignore[misc]
    unread = TrueOrFalse(method="of_state")

    class Meta:
        model = Notice
        fields = ("unread",)

    def of_state(self, notices: QuerySet[Notice], name: str, unread: bool) -> QuerySet[Notice]:
        """Keep the unread notices, or the others."""
        return notices.filter(read_at__isnull=unread)


class NoticeViewSet(VersionedViewSet, ReadOnlyModelViewSet[Notice]):
    """Notices about one's own work that has ended: imports, experiments, and jobs that took over a minute."""

    serializer_class = NoticeSerializer
    filterset_class = NoticeFilter
    queryset = Notice.objects.none()  # for the schema; each request gets its own
    lookup_value_regex = KEY

    def get_queryset(self) -> QuerySet[Notice]:
        return services.notices_of(signed_in(self.request))

    @extend_schema(operation_id="notices_read", request=None, responses=NoticeSerializer)
    @action(detail=True, methods=["post"])
    def read(self, request: Request, pk: str) -> Response:
        """Mark a notice as read."""
        notice = self.get_object()
        services.mark_read(services.notices_of(signed_in(request)).filter(pk=notice.pk))
        notice.refresh_from_db()
        return self.shown(notice)

    @extend_schema(operation_id="notices_read_all", request=None, responses=ReadSerializer, filters=False)
    @action(detail=False, methods=["post"], url_path="read", filterset_class=None)
    def read_all(self, request: Request) -> Response:
        """Mark all notices as read."""
        return Response({"read": services.mark_read(services.notices_of(signed_in(request)))})
