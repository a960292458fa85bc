"""Measures of models against people's marks over the API."""

from typing import Literal

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ratings.judged_serializers import JudgedTableSerializer
from ratings.services.judged_metrics import judged_table
from retrieval.datasets.services.visibility import visible_datasets

PATH: Literal["path"] = "path"


class JudgedMetricsView(APIView):
    """nDCG@8, Judged@8 and bpref of a data set's models."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="datasets_judged_metrics_retrieve",
        tags=["datasets"],
        parameters=[OpenApiParameter("id", OpenApiTypes.INT, PATH)],
        responses={200: JudgedTableSerializer},
    )
    def get(self, request: Request, id: str) -> Response:
        """Measure each model against people's marks: nDCG@8, Judged@8 and bpref."""
        dataset = get_object_or_404(visible_datasets(request.user), pk=id)
        return Response(JudgedTableSerializer(judged_table(request.user, dataset)).data)
