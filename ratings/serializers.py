"""Serializers of ballots."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from config.api.strict import StrictSerializer
from ratings.models import Ballot, BlindScore
from ratings.services.ballot_columns import BallotColumn, columns_of

BALLOT = {
    "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "query_url": "https://kindred.example.org/rate/7c9e6679-7425-40de-944b-e07fc1f90ae7/query",
    "columns": [{"ranking": 61, "images": [311, 318]}, {"ranking": 60, "images": [318, 402]}],
    "shown_at": "2026-05-04T09:30:00Z",
    "rated_at": None,
    "all_bad": False,
    "is_draft": False,
    "skipped_at": None,
    "withdrawn_at": None,
}
DRAFT = {
    **BALLOT,
    "columns": [{"ranking": 61, "images": [311, 318], "rating": 5}, {"ranking": 60, "images": [318, 402], "rating": 2}],
    "is_draft": True,
}
RATED = {
    **BALLOT,
    "columns": [
        {"ranking": 61, "images": [311, 318], "model": "SoftTriple", "rating": 5},
        {"ranking": 60, "images": [318, 402], "model": "Multi-Similarity", "rating": 2},
    ],
    "rated_at": "2026-05-04T09:31:10Z",
}


class BallotColumnSerializer(serializers.Serializer[Any]):
    """Results of one model. Its rating appears once the ballot has ratings, its name once names are shown."""

    ranking = serializers.IntegerField(
        help_text="What the column is rated by; of a rated ballot the id of its results."
    )
    images = serializers.ListField(child=serializers.IntegerField(), help_text="Images by rank, nearest first.")
    model = serializers.CharField(required=False, help_text="Name of the model.")
    rating = serializers.IntegerField(required=False, help_text="Rating, 1 (no match) to 5 (perfect).")


@extend_schema_serializer(
    examples=[
        OpenApiExample("Blind", BALLOT, response_only=True),
        OpenApiExample("Rated, names hidden", DRAFT, response_only=True),
        OpenApiExample("Rated", RATED, response_only=True),
    ]
)
class BallotSerializer(serializers.ModelSerializer[Ballot]):
    """A ballot. `context["columns"]`: the columns of several ballots, where they were read together."""

    query_url = serializers.SerializerMethodField(help_text="URL of the query picture; needs the same token.")
    columns = serializers.SerializerMethodField()
    rated_at = serializers.DateTimeField(source="voted_at", read_only=True, allow_null=True)
    all_bad = serializers.BooleanField(
        source="none_good", read_only=True, help_text="Whether no column matched; every rating is then 1."
    )

    is_draft = serializers.SerializerMethodField(
        help_text="Whether its ratings can still be changed and count nowhere, because no name was shown."
    )
    skipped_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="Since when it is set aside; null if it is not."
    )

    class Meta:
        model = Ballot
        fields = (
            "id",
            "query_url",
            "columns",
            "shown_at",
            "rated_at",
            "all_bad",
            "is_draft",
            "skipped_at",
            "withdrawn_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_query_url(self, ballot: Ballot) -> str:
        return str(reverse("ballot-query", args=[ballot.pk], request=self.context.get("request")))

    def get_is_draft(self, ballot: Ballot) -> bool:
        return ballot.draft is not None

    @extend_schema_field(BallotColumnSerializer(many=True))
    def get_columns(self, ballot: Ballot) -> list[dict[str, object]]:
        """Give the columns in the order shown; the models' names only once they are shown."""
        by_ballot = self.context.get("columns", {})
        columns = by_ballot[ballot.pk] if ballot.pk in by_ballot else columns_of(ballot)
        return [_column(column, named=ballot.voted_at is not None) for column in columns]


def _column(column: BallotColumn, *, named: bool) -> dict[str, object]:
    anonymous = {
        "ranking": column.ranking.pk if named else column.key,
        "images": [image.pk for _, image in column.results],
    }
    rated = anonymous if column.rating is None else anonymous | {"rating": column.rating}
    return rated | {"model": column.ranking.model.name} if named else rated


@extend_schema_serializer(
    examples=[
        OpenApiExample("A rating for each column", {"ratings": {"61": 5, "60": 2}}),
        OpenApiExample("No column matches", {"all_bad": True}),
        OpenApiExample("To be changed or confirmed later", {"ratings": {"61": 5, "60": 2}, "show_names": False}),
    ]
)
class BallotRatingsSerializer(StrictSerializer):
    """Either a rating for every column, by its ranking, or `all_bad`."""

    ratings = serializers.DictField(
        required=False,
        child=serializers.IntegerField(min_value=min(BlindScore.SCORES), max_value=max(BlindScore.SCORES)),
        help_text="Ratings by ranking, 1 (no match) to 5 (perfect).",
    )
    all_bad = serializers.BooleanField(default=False, help_text="Whether no column matches: rates every column 1.")
    show_names = serializers.BooleanField(
        default=True,
        help_text="Whether the ratings are final and the response names the models; false: they can be changed, and "
        "count once show-names is called.",
    )

    def validate_ratings(self, value: dict[str, int]) -> dict[int, int]:
        """Read the keys."""
        if not all(
            key.isascii() and key.isdecimal() and len(key) <= settings.KEY_MAX_DIGITS and key[0] != "0" for key in value
        ):
            raise serializers.ValidationError("the keys are ranking ids")
        return {int(key): rating for key, rating in value.items()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of the two."""
        if ("ratings" in attrs) == attrs["all_bad"]:
            raise serializers.ValidationError("give either ratings or all_bad: true")
        return attrs


@extend_schema_serializer(examples=[OpenApiExample("Some are left", {"done": 12, "total": 40, "skipped": 1})])
class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField(help_text="Queries that I have rated.")
    total = serializers.IntegerField(help_text="Queries that can be rated, including those done.")
    skipped = serializers.IntegerField(help_text="Queries that I skipped; they come back after all others.")
