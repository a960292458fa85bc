"""What ratings over the API are given with, and what is shown of them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from config.api.strict import StrictSerializer
from config.keys import MOST_DIGITS
from ratings.models import Ballot, BlindScore
from ratings.services import ballot_columns

BALLOT = {
    "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "query_url": "https://kindred.example.org/rate/7c9e6679-7425-40de-944b-e07fc1f90ae7/query",
    "columns": [{"ranking": 61, "images": [311, 318]}, {"ranking": 60, "images": [318, 402]}],
    "shown_at": "2026-05-04T09:30:00Z",
    "voted_at": None,
    "none_good": False,
    "withdrawn_at": None,
}
VOTED = {
    **BALLOT,
    "columns": [
        {"ranking": 61, "images": [311, 318], "model": "SoftTriple", "score": 5},
        {"ranking": 60, "images": [318, 402], "model": "Multi-Similarity", "score": 2},
    ],
    "voted_at": "2026-05-04T09:31:10Z",
}


class BallotColumnSerializer(serializers.Serializer[Any]):
    """A ranking without its name; once the vote is cast, with its model's name and what it was given."""

    ranking = serializers.IntegerField()
    images = serializers.ListField(child=serializers.IntegerField(), help_text="Best first.")
    model = serializers.CharField(required=False)
    score = serializers.IntegerField(required=False)


@extend_schema_serializer(
    examples=[OpenApiExample("Blind", BALLOT, response_only=True), OpenApiExample("Voted", VOTED, response_only=True)]
)
class BallotSerializer(serializers.ModelSerializer[Ballot]):
    """`context["columns"]`: those of several ballots, where they were had at once."""

    query_url = serializers.SerializerMethodField(help_text="The picture asked about; the same token opens it.")
    columns = serializers.SerializerMethodField()

    class Meta:
        model = Ballot
        fields = ("id", "query_url", "columns", "shown_at", "voted_at", "none_good", "withdrawn_at")
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_query_url(self, ballot: Ballot) -> str:
        return str(reverse("ballot-query", args=[ballot.pk], request=self.context.get("request")))

    @extend_schema_field(BallotColumnSerializer(many=True))
    def get_columns(self, ballot: Ballot) -> list[dict[str, Any]]:
        """Give the columns in the order shown; the models' names only once the vote is cast."""
        known = self.context.get("columns", {})
        columns = known[ballot.pk] if ballot.pk in known else ballot_columns.columns_of(ballot)
        return [_column(column, named=ballot.voted_at is not None) for column in columns]


def _column(column: ballot_columns.Column, *, named: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ranking": column.ranking.pk,
        "images": [image.pk for _, image in column.answers],
    }
    return shown | {"model": column.ranking.model.name, "score": column.score} if named else shown


@extend_schema_serializer(
    examples=[
        OpenApiExample("A score for each column", {"scores": {"61": 5, "60": 2}}),
        OpenApiExample("None is any good", {"none_good": True}),
    ]
)
class VoteSerializer(StrictSerializer):
    """Either a score for every column, by its ranking, or that none is any good."""

    scores = serializers.DictField(
        required=False,
        child=serializers.IntegerField(min_value=min(BlindScore.SCORES), max_value=max(BlindScore.SCORES)),
        help_text="1 (useless) to 5 (just what was meant), by ranking.",
    )
    none_good = serializers.BooleanField(default=False)

    def validate_scores(self, value: dict[str, int]) -> dict[int, int]:
        """Read the keys."""
        if not all(key.isascii() and key.isdecimal() and len(key) <= MOST_DIGITS and key[0] != "0" for key in value):
            raise serializers.ValidationError("the keys are ranking ids")
        return {int(key): score for key, score in value.items()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of the two."""
        if ("scores" in attrs) == attrs["none_good"]:
            raise serializers.ValidationError("give either scores or none_good: true")
        return attrs


@extend_schema_serializer(examples=[OpenApiExample("Some are left", {"done": 12, "total": 40})])
class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField(help_text="Ballots voted on.")
    total = serializers.IntegerField(help_text="Queries that there are to rate.")
