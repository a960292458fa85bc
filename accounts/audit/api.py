"""The audit trail over the API, for curators."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import mixins, serializers
from rest_framework.viewsets import GenericViewSet

from accounts.audit.filters import AuditFilter
from accounts.models import AuditEntry, User
from accounts.permissions import IsCurator
from config.api.views import SparseFields


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A change",
            {
                "id": 7,
                "created_at": "2026-05-04T09:30:00Z",
                "user": 2,
                "user_name": "Cora",
                "action": "publish-model",
                "target": "Multi-Similarity, seed 0",
                "details": {"model": 3},
            },
        )
    ]
)
class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    created_at = serializers.DateTimeField(source="at", read_only=True)
    user = serializers.PrimaryKeyRelatedField[User](
        source="who",
        read_only=True,
        allow_null=True,
        help_text="Account that made the change; null for the system or a former member.",
    )
    user_name = serializers.CharField(
        source="who_name", read_only=True, help_text="Name of the account when it made the change."
    )
    details: Any = serializers.DictField(read_only=True)

    class Meta:
        model = AuditEntry
        fields = ("id", "created_at", "user", "user_name", "action", "target", "details")
        read_only_fields = fields


class AuditViewSet(SparseFields, mixins.ListModelMixin, GenericViewSet[AuditEntry]):
    """What curators, admins and the system changed, newest first."""

    serializer_class = AuditEntrySerializer
    permission_classes = (IsCurator,)
    queryset = AuditEntry.objects.all()
    filterset_class = AuditFilter
    page_order = ("-at", "id")
