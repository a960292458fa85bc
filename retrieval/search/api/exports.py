"""The results of a search as files, over the API."""

from typing import Literal

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import signed_in
from config.api.views import AnyAcceptNegotiation
from retrieval.search.services import access
from retrieval.search.views.exports import SUFFIXES, results_attachment

PATH: Literal["path"] = "path"
RESULTS = {
    "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "name": "Owls at dusk",
    "results": [{"model": 3, "model_name": "SoftTriple", "rank": 1, "class_name": "Tawny owl", "similarity": 0.91}],
}


class SearchResultsView(APIView):
    """The results of one's own search as files."""

    content_negotiation_class = AnyAcceptNegotiation

    @extend_schema(
        operation_id="searches_results_retrieve",
        tags=["searches"],
        parameters=[
            OpenApiParameter("id", OpenApiTypes.UUID, PATH),
            OpenApiParameter("suffix", str, PATH, enum=SUFFIXES),
        ],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/zip"): OpenApiTypes.BINARY,
        },
        examples=[OpenApiExample("Beginning of the JSON file", RESULTS)],
    )
    def get(self, request: Request, id: str, suffix: str) -> HttpResponseBase:
        """Return the results with your marks as CSV or JSON, or the pictures as a zip."""
        search = get_object_or_404(access.visible_searches(request.user), pk=id)
        return results_attachment(search, suffix, signed_in(request))
