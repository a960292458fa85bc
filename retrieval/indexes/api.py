"""Indexes over the API, for curators."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import IsCurator, signed_in
from retrieval.indexes import services
from retrieval.models import Index
from retrieval.refusals import RefusalsAsProblems


class IndexSerializer(serializers.ModelSerializer[Index]):
    class Meta:
        model = Index
        fields = ("id", "model", "dataset", "revision", "recall", "count", "active", "manifest", "created_at")
        read_only_fields = fields


class IndexViewSet(RefusalsAsProblems, ReadOnlyModelViewSet[Index]):
    """Every index that was built; one of a model and data set serves."""

    serializer_class = IndexSerializer
    permission_classes = (IsCurator,)
    queryset = Index.objects.all()
    filterset_fields = ("model", "dataset", "active")
    lookup_value_regex = r"\d+"

    @extend_schema(request=None, responses={200: IndexSerializer})
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str) -> Response:
        """Let this index serve: a new one, or an older one again."""
        index = self.get_object()
        services.activate(index, by=signed_in(request))
        return Response(self.get_serializer(index).data)
