"""Ratings over the API."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import signed_in
from config.api.problems import Conflict
from ratings.errors import NothingToRate, RatingRefused
from ratings.models import Ballot, Relevance
from ratings.services import ballots, leaderboard, relevance
from retrieval.refusals import RefusalsAsProblems

MOST_DIGITS = 19  # of an id


class RelevanceSerializer(serializers.Serializer[Any]):
    ranking = serializers.IntegerField(min_value=1)
    image = serializers.IntegerField(min_value=1)
    value = serializers.ChoiceField(choices=Relevance.Value.choices)


class RelevanceView(APIView):
    """One's word on single answers: of one's own searches, and of queries one has voted on."""

    @extend_schema(request=RelevanceSerializer, responses={200: RelevanceSerializer})
    def post(self, request: Request) -> Response:
        """Say what an answer is: 0 not it, 1 same kind, 2 what I meant; again changes it."""
        form = RelevanceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        values = form.validated_data
        ranking = get_object_or_404(relevance.markable_rankings(signed_in(request)), pk=values["ranking"])
        try:
            relevance.mark(signed_in(request), ranking, values["image"], values["value"])
        except RatingRefused as error:
            raise ValidationError(str(error)) from error
        return Response(values)


class BallotSerializer(serializers.ModelSerializer[Ballot]):
    query_url = serializers.SerializerMethodField()
    columns = serializers.SerializerMethodField()

    class Meta:
        model = Ballot
        fields = ("id", "query_url", "columns", "shown_at", "voted_at")
        read_only_fields = fields

    def get_query_url(self, ballot: Ballot) -> str:
        return str(reverse("ballot-query", args=[ballot.pk], request=self.context.get("request")))

    def get_columns(self, ballot: Ballot) -> list[dict[str, Any]]:
        """Give the columns in the order shown; the models' names only once the vote is cast."""
        rankings = ballots.rankings_in_order(ballot)
        columns: list[dict[str, Any]] = [{"ranking": row.pk, "images": row.image_ids} for row in rankings]
        if ballot.voted_at:
            for column, row in zip(columns, rankings, strict=True):
                column["model"] = row.model.name
        return columns


class VoteSerializer(serializers.Serializer[Any]):
    scores = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=5), help_text="1 to 5 by ranking id."
    )

    def validate_scores(self, value: dict[str, int]) -> dict[int, int]:
        if not all(key.isdecimal() and len(key) < MOST_DIGITS for key in value):
            raise serializers.ValidationError("the keys are ranking ids")
        return {int(key): score for key, score in value.items()}


class BallotViewSet(RefusalsAsProblems, ReadOnlyModelViewSet[Ballot]):
    """One's own ballots."""

    serializer_class = BallotSerializer
    queryset = Ballot.objects.none()
    lookup_value_regex = r"[0-9a-f-]{36}"
    page_order = ("-shown_at", "id")

    def get_queryset(self) -> QuerySet[Ballot]:
        return ballots.ballots_of(signed_in(self.request))

    @extend_schema(request=None, responses={201: BallotSerializer})
    def create(self, request: Request) -> Response:
        """Give the next query to rate, its columns anonymous and in random order."""
        try:
            ballot = ballots.next_ballot(signed_in(request))
        except NothingToRate as nothing:
            raise Conflict(str(nothing)) from nothing
        return Response(self.get_serializer(ballot).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=VoteSerializer, responses={200: BallotSerializer})
    @action(detail=True, methods=["post"])
    def vote(self, request: Request, pk: str) -> Response:
        """Score every column, 1 to 5. A ballot is cast once: the answer names the models."""
        form = VoteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        ballot = self.get_object()
        try:
            ballots.vote(ballot, form.validated_data["scores"])
        except RatingRefused as error:
            raise ValidationError(str(error)) from error
        return Response(self.get_serializer(ballot).data)


class LeaderboardView(APIView):
    """Offline metrics beside human scores."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """Give a row for each measured model: metrics are fractions, scores 1 to 5."""
        rows = leaderboard.leaderboard(request.user)
        return Response([row | {"model": row["model"].pk, "dataset": row["dataset"].slug} for row in rows])
