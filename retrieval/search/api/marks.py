"""Marks on single results over the API."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import signed_in
from config.api.fields import KeyField
from config.api.parsers import JSONParser
from config.api.schema import may_answer
from config.api.strict import StrictSerializer
from config.api.views import KEY, SparseFields
from retrieval.models import Mark
from retrieval.search.services import marks

MARK = {"ranking": 51, "image": 311, "value": 2}


@extend_schema_serializer(examples=[OpenApiExample("Exactly this", MARK)])
class NewMarkSerializer(StrictSerializer):
    """A mark on one result of a search."""

    ranking = KeyField()
    image = KeyField()
    value = serializers.ChoiceField(
        choices=Mark.Value.choices,
        help_text="Match with the query: 0 no, 1 same kind, 2 exactly this.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("A mark", {"id": 9, **MARK, "marked_at": "2026-05-04T09:32:00Z"}, response_only=True)]
)
class MarkSerializer(serializers.ModelSerializer[Mark]):
    marked_at = serializers.DateTimeField(source="rated_at", read_only=True)

    class Meta:
        model = Mark
        fields = ("id", "ranking", "image", "value", "marked_at")
        read_only_fields = fields


class MarkViewSet(SparseFields, mixins.ListModelMixin, mixins.DestroyModelMixin, GenericViewSet[Mark]):
    """One's own marks on single results: of one's own searches, and of queries one has rated."""

    serializer_class = MarkSerializer
    queryset = Mark.objects.none()  # for the schema; each request gets its own
    parser_classes = (JSONParser,)
    lookup_value_regex = KEY
    page_order = ("-rated_at", "id")

    def get_queryset(self) -> QuerySet[Mark]:
        return marks.own_marks(signed_in(self.request))

    @extend_schema(request=NewMarkSerializer, responses={200: MarkSerializer})
    @may_answer(404)
    def create(self, request: Request) -> Response:
        """Mark a result: 0 no, 1 same kind, 2 exactly this; a second mark replaces the first."""
        form = NewMarkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        ranking = get_object_or_404(marks.markable_rankings(signed_in(request)), pk=values["ranking"])
        mark = marks.mark(signed_in(request), ranking, values["image"], values["value"])
        return Response(self.get_serializer(mark).data)

    def perform_destroy(self, instance: Mark) -> None:
        marks.remove_mark(instance)
