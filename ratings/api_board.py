"""The leaderboard over the API: offline metrics beside what people say."""

import io
from typing import Any

from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.api.filters import check_parameters
from config.api.views import AnyAcceptNegotiation
from ratings.services import board_files
from retrieval.files import attachment

NAMES = ("dataset", "protocol")
FILTERS = [
    OpenApiParameter("dataset", str, description="Of this data set only, by its slug."),
    OpenApiParameter("protocol", str, description="Measured under this protocol only."),
]
ROW = {
    "id": 3,
    "dataset": "birds",
    "model": "Multi-Similarity",
    "color": 2,
    "protocol": "cub-resnet50",
    "seed": 0,
    "metrics": {"map_at_r": {"value": 0.251, "low": 0.247, "high": 0.255}},
    "recall_at_1": 0.681,
    "recall_at_1_low": 0.67,
    "recall_at_1_high": 0.692,
    "recall_at": {"1": 0.681, "2": 0.782},
    "map_at_r": 0.251,
    "map_at_r_low": 0.247,
    "map_at_r_high": 0.255,
    "human_mean": 3.9,
    "human_low": 3.4,
    "human_high": 4.3,
    "votes": 22,
    "index_recall": 0.999,
}
BOARD = {
    "datasets": [
        {
            "dataset": "birds",
            "name": "Birds",
            "votes": 22,
            "agreement": {"tau": 0.67, "low": 0.33, "high": 1.0, "models": 4},
            "people_agree": {"share": 0.71, "comparisons": 48},
            "rows": [ROW],
        }
    ]
}


def _figure(about: str = "") -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=about)


class MeasuredSerializer(serializers.Serializer[Any]):
    value = _figure("null where the model was measured before there was the metric.")
    low = _figure("Of the 95 % interval.")
    high = _figure()


class RowSerializer(serializers.Serializer[Any]):
    """A measured model: metrics are fractions of 1, what people say is 1 to 5, _low and _high are 95% intervals."""

    id = serializers.IntegerField(help_text="Of the model.")
    dataset = serializers.CharField()
    model = serializers.CharField()
    color = serializers.IntegerField(help_text="Its colour's number on the site.")
    protocol = serializers.CharField()
    seed = serializers.IntegerField(allow_null=True)
    metrics = serializers.DictField(child=MeasuredSerializer(), help_text="By the names that GET /metrics/ lists.")
    recall_at_1 = _figure("As in metrics.")
    recall_at_1_low = _figure()
    recall_at_1_high = _figure()
    recall_at = serializers.DictField(child=serializers.FloatField(), help_text="Recall@K by K.")
    map_at_r = serializers.FloatField(help_text="As in metrics.")
    map_at_r_low = _figure()
    map_at_r_high = _figure()
    human_mean = _figure("null without votes.")
    human_low = _figure("null where votes are too few to tell.")
    human_high = _figure()
    votes = serializers.IntegerField()
    index_recall = _figure("How far the serving index agrees with exact search.")


class AgreementSerializer(serializers.Serializer[Any]):
    """How MAP@R and the human means go together: tau-b of three models or more, of two which one is better."""

    models = serializers.IntegerField()
    tau = serializers.FloatField(required=False, allow_null=True)
    low = serializers.FloatField(required=False, allow_null=True)
    high = serializers.FloatField(required=False, allow_null=True)
    better = serializers.CharField(required=False, help_text="By MAP@R, of two models.")
    is_level = serializers.BooleanField(required=False, help_text="Whether their MAP@R is the same.")
    difference = serializers.FloatField(required=False, help_text="Of their human means, the better one's first.")
    certainty = serializers.FloatField(required=False, help_text="That people prefer the better one, 0 to 1.")


class PeopleAgreeSerializer(serializers.Serializer[Any]):
    share = serializers.FloatField(help_text="Of the comparisons in which two people say the same, 0 to 1.")
    comparisons = serializers.IntegerField()


class SectionSerializer(serializers.Serializer[Any]):
    dataset = serializers.CharField(help_text="Its slug.")
    name = serializers.CharField()
    votes = serializers.IntegerField()
    agreement = AgreementSerializer(allow_null=True)
    people_agree = PeopleAgreeSerializer(allow_null=True)
    rows = RowSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("One data set", BOARD)])
class BoardSerializer(serializers.Serializer[Any]):
    datasets = SectionSerializer(many=True)


def _document(request: Request) -> dict[str, Any]:
    check_parameters(request, NAMES)
    chosen = {name: request.query_params.get(name, "") for name in NAMES}
    return board_files.document_for(request.user, **chosen)


class BoardView(APIView):
    """How the models stand."""

    permission_classes = (AllowAny,)

    @extend_schema(operation_id="leaderboard_retrieve", parameters=FILTERS, responses={200: BoardSerializer})
    def get(self, request: Request) -> Response:
        """Give the measured models by data set, best MAP@R first; an unknown data set or protocol is refused."""
        return Response(_document(request))


class BoardFileView(APIView):
    """The leaderboard as a file."""

    permission_classes = (AllowAny,)
    content_negotiation_class = AnyAcceptNegotiation

    @extend_schema(
        operation_id="leaderboard_file_retrieve",
        parameters=[
            OpenApiParameter("suffix", str, OpenApiParameter.PATH, enum=list(board_files.CONTENT_TYPES)),
            *FILTERS,
        ],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): BoardSerializer,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, suffix: str) -> HttpResponseBase:
        """Give the leaderboard as CSV, JSON, PNG or SVG."""
        if suffix not in board_files.CONTENT_TYPES:
            raise Http404(f"there is no leaderboard.{suffix}")
        content = io.BytesIO(board_files.board_file(_document(request), suffix))
        return attachment(content, f"leaderboard.{suffix}", board_files.CONTENT_TYPES[suffix])
