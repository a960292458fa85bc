"""API of the table of metrics, for everybody."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from config.api.views import SparseFields
from retrieval.models import Run
from retrieval.registry.services import diagnostics

MAP_AT_R = {
    "name": "map_at_r",
    "title": "MAP@R",
    "meaning": "Mean average precision over the first R results, where the query's class has R pictures.",
    "scale": "share",
    "headline": True,
    "shown": ["report", "leaderboard", "summary", "tests"],
}


@extend_schema_serializer(examples=[OpenApiExample("A metric", MAP_AT_R)])
class MetricSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        read_only=True, help_text="Key of its values. recall_at has one for each K: recall_at_2, recall_at_4 and so on."
    )
    title = serializers.CharField(read_only=True)
    meaning = serializers.CharField(read_only=True)
    scale = serializers.CharField(
        read_only=True, help_text="Scale of its values: share (0 to 1, shown in percent), number or count."
    )
    headline = serializers.BooleanField(
        read_only=True, help_text="true for the metric that orders tables and tunes losses."
    )
    shown = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Places that show it: report, leaderboard, summary, tests.",
    )


class MetricViewSet(SparseFields, GenericViewSet[Run]):
    """All metrics of models with title, meaning and scale, in the order of every table."""

    serializer_class = MetricSerializer
    permission_classes = (AllowAny,)
    queryset = Run.objects.none()  # for the schema; metrics are no rows
    pagination_class = None

    def list(self, request: Request) -> Response:
        """List the metrics."""
        self.filter_queryset(self.get_queryset())  # there are no filters: an unknown one is an error
        return Response(self.get_serializer(diagnostics.metric_table(), many=True).data)
