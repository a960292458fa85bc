"""Serializers of ballots and of the leaderboard."""

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

    ranking = serializers.IntegerField()
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
    anonymous = {"ranking": column.ranking.pk, "images": [image.pk for _, image in column.results]}
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


ROW = {
    "id": 3,
    "dataset": "birds",
    "model": "Multi-Similarity",
    "color": 2,
    "protocol": "cub-resnet50",
    "seed": None,
    "metrics": {"map_at_r": {"value": 0.251, "sd": 0.001, "low": 0.247, "high": 0.255}},
    "recall_at_1": 0.681,
    "recall_at_1_low": 0.67,
    "recall_at_1_high": 0.692,
    "recall_at": {"1": 0.681, "2": 0.782},
    "map_at_r": 0.251,
    "map_at_r_low": 0.247,
    "map_at_r_high": 0.255,
    "human_mean": 3.9,
    "human_low": 3.4,
    "human_high": 4.3,
    "ratings": 22,
    "index_recall": 0.999,
    "rank": 1,
    "rank_low": 1,
    "rank_high": 2,
    "level_with_best": True,
    "not_tested": "",
    "seeds": [
        {
            "id": 3,
            "model": "Multi-Similarity (seed 0)",
            "seed": 0,
            "fold": None,
            "metrics": {"map_at_r": 0.25},
            "human_mean": 3.9,
            "ratings": 22,
            "index_recall": 0.999,
        },
        {
            "id": 4,
            "model": "Multi-Similarity (seed 1)",
            "seed": 1,
            "fold": None,
            "metrics": {"map_at_r": 0.252},
            "human_mean": None,
            "ratings": 0,
            "index_recall": 0.999,
        },
    ],
}
LEADERBOARD = {
    "datasets": [
        {
            "dataset": "birds",
            "name": "Birds",
            "protocol": "cub-resnet50",
            "protocol_label": "cub-resnet50",
            "is_default": True,
            "test": "done",
            "ratings": 22,
            "agreement": {"tau": 0.67, "low": 0.33, "high": 1.0, "models": 4},
            "people_agree": {"share": 0.71, "comparisons": 48},
            "rows": [ROW],
        }
    ]
}


def _number(about: str = "") -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=about)


class LeaderboardMetricSerializer(serializers.Serializer[Any]):
    value = _number("Value, 0 to 1, mean over seeds; null if the model was measured before this metric existed.")
    sd = _number("Standard deviation between seeds; null with one.")
    low = _number("Lower end of the 95 % interval.")
    high = _number("Upper end of the 95 % interval.")


class LeaderboardSeedSerializer(serializers.Serializer[Any]):
    """One model of a row."""

    id = serializers.IntegerField(help_text="Id of the model.")
    model = serializers.CharField(help_text="Name of the model.")
    seed = serializers.IntegerField(allow_null=True)
    fold = serializers.IntegerField(allow_null=True, help_text="Fold that it holds out; null without folds.")
    metrics = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="Values by the names that GET /metrics/ lists."
    )
    human_mean = _number("Mean of its blind ratings, 1 to 5; null without any.")
    ratings = serializers.IntegerField(help_text="Number of its blind ratings.")
    index_recall = _number("Share of the exact nearest neighbours that its active index finds.")


class LeaderboardRowSerializer(serializers.Serializer[Any]):
    """A loss, its seeds together, or an external model.

    Metrics are fractions of 1, human means 1 to 5; `_low` and `_high` end a 95 % interval.
    """

    id = serializers.IntegerField(help_text="Id of the model of the first seed.")
    dataset = serializers.CharField(help_text="Slug of the data set.")
    model = serializers.CharField(help_text="Name of the model, or of the loss if it has several seeds.")
    color = serializers.IntegerField(help_text="Number of the model's colour on the site.")
    protocol = serializers.CharField(help_text="Name of the protocol; `external` for a model trained elsewhere.")
    seed = serializers.IntegerField(allow_null=True, help_text="Seed; null with several, which `seeds` lists.")
    metrics = serializers.DictField(
        child=LeaderboardMetricSerializer(), help_text="Metrics by the names that GET /metrics/ lists."
    )
    recall_at_1 = _number("As in metrics.")
    recall_at_1_low = _number()
    recall_at_1_high = _number()
    recall_at = serializers.DictField(child=serializers.FloatField(), help_text="Recall@K by K.")
    map_at_r = serializers.FloatField(help_text="As in metrics.")
    map_at_r_low = _number()
    map_at_r_high = _number()
    human_mean = _number("Mean of the blind ratings, 1 to 5; null without any.")
    human_low = _number("Lower end of its 95 % interval; null with too few ratings.")
    human_high = _number("Upper end of its 95 % interval; null with too few ratings.")
    ratings = serializers.IntegerField(help_text="Number of blind ratings of the model.")
    index_recall = _number("Share of the exact nearest neighbours that the active index finds.")
    rank = serializers.IntegerField(help_text="Place by MAP@R; 1 is best.")
    rank_low = serializers.IntegerField(allow_null=True, help_text="Best rank that the paired test leaves open.")
    rank_high = serializers.IntegerField(allow_null=True, help_text="Worst rank that the paired test leaves open.")
    level_with_best = serializers.BooleanField(
        allow_null=True, help_text="Whether the test finds no significant difference to the best; null if not tested."
    )
    not_tested = serializers.CharField(allow_blank=True, help_text="Why the row was not tested; empty if it was.")
    seeds = LeaderboardSeedSerializer(many=True, help_text="The models of the row, by seed.")


class LeaderboardAgreementSerializer(serializers.Serializer[Any]):
    """Agreement of MAP@R and human means: tau-b of three models or more; of two, which one people prefer."""

    models = serializers.IntegerField(help_text="Number of models with enough ratings.")
    tau = serializers.FloatField(required=False, allow_null=True, help_text="Kendall's tau-b, -1 to 1.")
    low = serializers.FloatField(required=False, allow_null=True)
    high = serializers.FloatField(required=False, allow_null=True)
    better = serializers.CharField(required=False, help_text="Name of the model with the higher MAP@R, of two.")
    is_level = serializers.BooleanField(required=False, help_text="Whether both have the same MAP@R.")
    difference = serializers.FloatField(required=False, help_text="Human mean of `better` minus that of the other.")
    certainty = serializers.FloatField(
        required=False, help_text="Share of bootstrap resamples in which `better` is rated higher, 0 to 1."
    )


class PeopleAgreementSerializer(serializers.Serializer[Any]):
    share = serializers.FloatField(help_text="Share of comparisons in which two people agree, 0 to 1.")
    comparisons = serializers.IntegerField()


class LeaderboardSectionSerializer(serializers.Serializer[Any]):
    """A table: the rows of one data set under one protocol."""

    dataset = serializers.CharField(help_text="Slug of the data set.")
    name = serializers.CharField(help_text="Name of the data set.")
    protocol = serializers.CharField(help_text="Value of the filter `protocol` that selects this table.")
    protocol_label = serializers.CharField(help_text="Name of the protocol, with the settings that tell it apart.")
    is_default = serializers.BooleanField(help_text="Whether it is the data set's default table.")
    test = serializers.CharField(
        allow_blank=True, help_text="State of the paired test: done, running, failed; empty if nothing can be tested."
    )
    ratings = serializers.IntegerField(help_text="Number of rated ballots.")
    agreement = LeaderboardAgreementSerializer(allow_null=True)
    people_agree = PeopleAgreementSerializer(allow_null=True)
    rows = LeaderboardRowSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("One data set", LEADERBOARD)])
class LeaderboardSerializer(serializers.Serializer[Any]):
    datasets = LeaderboardSectionSerializer(many=True)
