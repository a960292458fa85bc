"""Raters' consistency over the API."""

from typing import Literal

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ratings.consistency_serializers import ConsistencySerializer
from ratings.services.consistency import consistency_on
from retrieval.datasets.services.visibility import visible_datasets

PATH: Literal["path"] = "path"


class DatasetConsistencyView(APIView):
    """How consistently people rate a data set's queries."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="datasets_consistency_retrieve",
        tags=["datasets"],
        parameters=[OpenApiParameter("id", OpenApiTypes.INT, PATH)],
        responses={200: ConsistencySerializer},
    )
    def get(self, request: Request, id: str) -> Response:
        """Report how far people repeat their own ratings, over all raters of a data set."""
        dataset = get_object_or_404(visible_datasets(request.user), pk=id)
        return Response(ConsistencySerializer(consistency_on(dataset)).data)
