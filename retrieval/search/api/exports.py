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
from retrieval.search.views.exports import SUFFIXES, answers_attachment

PATH: Literal["path"] = "path"
ANSWERS = {
    "search": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "name": "Owls at dusk",
    "answers": [{"model": "SoftTriple", "model_id": 3, "rank": 1, "cosine": 0.91, "class": "Tawny owl", "mark": ""}],
}


class SearchAnswersView(APIView):
    """The answers of one's own search, to keep."""

    content_negotiation_class = AnyAcceptNegotiation

    @extend_schema(
        operation_id="searches_answers_retrieve",
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
        examples=[OpenApiExample("The beginning of it", ANSWERS)],
    )
    def get(self, request: Request, id: str, suffix: str) -> HttpResponseBase:
        """Give the answers with my marks as CSV or JSON, or the pictures as a zip."""
        search = get_object_or_404(access.visible_searches(request.user), pk=id)
        return answers_attachment(search, suffix, signed_in(request))
