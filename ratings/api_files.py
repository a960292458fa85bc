"""Files over the API that have to do with what people said."""

from typing import Literal

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import signed_in
from config.api.views import AnyAcceptNegotiation
from ratings.downloads import ratings_attachment
from ratings.services import ballots
from ratings.services.exports import EXPORTS
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.files import jpeg_response
from retrieval.search.services import keeping

PATH: Literal["path"] = "path"


class DatasetRatingsView(APIView):
    """What people said of the models of a data set."""

    content_negotiation_class = AnyAcceptNegotiation

    @extend_schema(
        operation_id="datasets_ratings_retrieve",
        tags=["datasets"],
        parameters=[
            OpenApiParameter("id", OpenApiTypes.INT, PATH),
            OpenApiParameter("part", str, PATH, enum=list(EXPORTS)),
        ],
        responses={(200, "text/csv"): OpenApiTypes.STR, (200, "application/json"): OpenApiTypes.OBJECT},
        examples=[OpenApiExample("Nothing said yet", {"dataset": "Birds", "votes": [], "marks": []})],
    )
    def get(self, request: Request, id: str, part: str) -> HttpResponseBase:
        """Give all votes or marks, without who they are of."""
        dataset = get_object_or_404(visible_datasets(request.user), pk=id)
        return ratings_attachment(request.user, dataset, part)


class BallotQueryView(APIView):
    """The picture that a ballot asks about: for the page and for whoever votes over the API."""

    content_negotiation_class = AnyAcceptNegotiation
    schema = None  # `query_url` of a ballot leads here

    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """Give the query of one's own ballot."""
        ballot = get_object_or_404(ballots.ballots_of(signed_in(request)), pk=pk)
        return jpeg_response(request, lambda: keeping.query_file(ballot.search, request.user))
