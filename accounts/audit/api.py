"""The audit trail over the API, for curators."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import mixins, serializers
from rest_framework.viewsets import GenericViewSet

from accounts.audit.filters import AuditFilter
from accounts.models import AuditEntry
from accounts.permissions import IsCurator
from config.api.views import SparseFields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A change",
            {
                "id": 7,
                "at": "2026-05-04T09:30:00Z",
                "who": 2,
                "who_name": "Cora",
                "action": "publish-model",
                "target": "Multi-Similarity, seed 0",
                "details": {"model": 3},
            },
        )
    ]
)
class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    details: Any = serializers.DictField(read_only=True)

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "who", "who_name", "action", "target", "details")
        read_only_fields = fields


class AuditViewSet(SparseFields, mixins.ListModelMixin, GenericViewSet[AuditEntry]):
    """What curators, admins and the system changed, newest first."""

    serializer_class = AuditEntrySerializer
    permission_classes = (IsCurator,)
    queryset = AuditEntry.objects.all()
    filterset_class = AuditFilter
    page_order = ("-at", "id")
