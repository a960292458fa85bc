"""Files of ratings over the API: exports of a data set, and the query picture of a ballot."""

from typing import Literal

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import signed_in
from config.api.views import AnyAcceptNegotiation
from ratings.services import ballots
from ratings.services.exports import EXPORTS
from ratings.views.downloads import ratings_attachment
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.files import jpeg_response
from retrieval.search.services import access

PATH: Literal["path"] = "path"


class DatasetRatingsView(APIView):
    """Exports of the ratings of a data set's models."""

    content_negotiation_class = AnyAcceptNegotiation

    @extend_schema(
        operation_id="datasets_ratings_retrieve",
        tags=["datasets"],
        parameters=[
            OpenApiParameter("id", OpenApiTypes.INT, PATH),
            OpenApiParameter("part", str, PATH, enum=list(EXPORTS)),
        ],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/plain"): OpenApiTypes.STR,
            (200, "application/zip"): OpenApiTypes.BINARY,
        },
        examples=[OpenApiExample("No ratings yet", {"dataset": "Birds", "ratings": [], "marks": []})],
    )
    def get(self, request: Request, id: str, part: str) -> HttpResponseBase:
        """Download ratings, marks, or both, with pseudonyms; or grades and results as TREC qrels and runs."""
        dataset = get_object_or_404(visible_datasets(request.user), pk=id)
        return ratings_attachment(request.user, dataset, part)


class BallotQueryView(APIView):
    """The query picture of a ballot, for the page and for the API."""

    content_negotiation_class = AnyAcceptNegotiation
    schema = None  # `query_url` of a ballot leads here

    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """Download the query picture of one's own ballot."""
        ballot = get_object_or_404(ballots.ballots_of(signed_in(request)), pk=pk)
        return jpeg_response(request, lambda: access.query_file(ballot.search, request.user))
