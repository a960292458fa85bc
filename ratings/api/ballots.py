"""Blind ballots over the API."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import signed_in
from config.api.parsers import JSONParser
from config.api.schema import may_answer
from config.api.views import UUID, VersionedViewSet
from ratings.consistency_serializers import ConsistencySerializer
from ratings.models import Ballot
from ratings.serializers import (
    BallotRatingsSerializer,
    BallotSerializer,
    ProgressSerializer,
)
from ratings.services import ballot_columns, ballots
from ratings.services.consistency import own_consistency


class BallotViewSet(VersionedViewSet, ReadOnlyModelViewSet[Ballot]):
    """One's own ballots: queries with anonymous columns, and the ratings of them."""

    serializer_class = BallotSerializer
    queryset = Ballot.objects.none()  # for the schema; each request gets its own
    parser_classes = (JSONParser,)
    lookup_value_regex = UUID
    page_order = ("-shown_at", "id")

    def get_queryset(self) -> QuerySet[Ballot]:
        return ballots.ballots_of(signed_in(self.request))

    def get_serializer(self, *args: Any, many: bool = False, **kwargs: Any) -> Any:
        """Return the serializer; for several ballots, their columns are read together."""
        if not many:
            return super().get_serializer(*args, **kwargs)
        serializer = super().get_serializer(*args, many=True, **kwargs)
        if args and "columns" in serializer.child.fields:
            serializer.context["columns"] = ballot_columns.columns_of_all(args[0])
        return serializer

    @extend_schema(request=None, responses={201: BallotSerializer})
    @may_answer(409, 503)
    def create(self, request: Request) -> Response:
        """Return my open ballot, or open one on the next query. Its columns are anonymous and in random order."""
        ballot = ballots.next_ballot(signed_in(request))
        where = reverse("api-ballot-detail", args=[ballot.pk], request=request)
        return self.shown(ballot, status.HTTP_201_CREATED, {"Location": where})

    @extend_schema(responses={200: ProgressSerializer})
    @action(detail=False)
    def progress(self, request: Request) -> Response:
        """Return how many queries I have rated, and how many there are."""
        return Response(ballots.progress_of(signed_in(request)))

    @extend_schema(responses={200: ConsistencySerializer})
    @action(detail=False)
    def consistency(self, request: Request) -> Response:
        """Report how far I repeat my own ratings."""
        return Response(ConsistencySerializer(own_consistency(signed_in(request))).data)

    @extend_schema(request=BallotRatingsSerializer, responses={200: BallotSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def rate(self, request: Request, pk: str) -> Response:
        """Rate every column, or state that none matches. The response names the models unless `show_names` is false."""
        form = BallotRatingsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        ballot = self.get_object()
        all_bad = form.validated_data["all_bad"]
        ratings = ballots.all_ones(ballot) if all_bad else form.validated_data["ratings"]
        save = ballots.rate if form.validated_data["show_names"] else ballots.save_draft
        save(ballot, ratings, all_bad=all_bad)
        return self.shown(ballot)

    @extend_schema(request=None, responses={200: BallotSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"], url_path="show-names")
    def show_names(self, request: Request, pk: str) -> Response:
        """Make the ratings that I sent with `show_names` false final; the response names the models."""
        ballot = self.get_object()
        ballots.show_names(ballot)
        return self.shown(ballot)

    @extend_schema(request=None, responses={200: BallotSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def skip(self, request: Request, pk: str) -> Response:
        """Set the open ballot aside. It counts nowhere, comes back after all others, and can be skipped once."""
        ballot = self.get_object()
        ballots.skip(ballot)
        return self.shown(ballot)

    @extend_schema(request=None, responses={200: BallotSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw my last rated ballot. Its query is not offered to me again, since I saw the names."""
        ballot = self.get_object()
        ballots.withdraw(ballot)
        return self.shown(ballot)
