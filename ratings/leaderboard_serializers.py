"""Serializers of the leaderboard."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from ratings.decision_serializers import ENOUGH, METRIC_AGREEMENT, EnoughSerializer, MetricAgreementSerializer
from ratings.figure_serializers import ColumnBiasSerializer, in_words, no_interval, number

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
    "ratings": 122,
    "index_recall": 0.999,
    "human_raw_mean": 4.0,
    "human_win_rate": 0.58,
    "human_win_low": 0.49,
    "human_win_high": 0.67,
    "human_rank_low": 1,
    "human_rank_high": 2,
    "human_people": 14,
    "human_queries": 38,
    "human_no_interval": "",
    "human_no_interval_text": "",
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
            "human_mean": 4.0,
            "ratings": 122,
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
            "ratings": 122,
            "agreement": {
                "tau": 0.67,
                "low": 0.33,
                "high": 1.0,
                "models": 4,
                "people": 14,
                "queries": 38,
                "no_interval": "",
                "no_interval_text": "",
            },
            "people_agree": {
                "share": 0.71,
                "chance": 0.36,
                "comparisons": 48,
                "alpha": 0.55,
                "alpha_low": 0.41,
                "alpha_high": 0.66,
                "people": 12,
                "queries": 20,
                "no_interval": "",
                "no_interval_text": "",
            },
            "column_bias": {
                "columns": [
                    {"column": 1, "mean": 0.03, "low": -0.1, "high": 0.16, "ratings": 61},
                    {"column": 2, "mean": -0.03, "low": -0.16, "high": 0.1, "ratings": 61},
                ],
                "people": 14,
                "queries": 38,
                "no_interval": "",
                "no_interval_text": "",
            },
            "metric_agreement": METRIC_AGREEMENT,
            "enough": ENOUGH,
            "rows": [ROW],
        }
    ]
}


class LeaderboardMetricSerializer(serializers.Serializer[Any]):
    value = number("Value, 0 to 1, mean over seeds; null if the model was measured before this metric existed.")
    sd = number("Standard deviation between seeds; null with one.")
    low = number("Lower end of the 95 % interval.")
    high = number("Upper end of the 95 % interval.")


class LeaderboardSeedSerializer(serializers.Serializer[Any]):
    """One model of a row."""

    id = serializers.IntegerField(help_text="Id of the model.")
    model = serializers.CharField(help_text="Name of the model.")
    seed = serializers.IntegerField(allow_null=True)
    fold = serializers.IntegerField(allow_null=True, help_text="Fold that it holds out; null without folds.")
    metrics = serializers.DictField(
        child=serializers.FloatField(allow_null=True), help_text="Values by the names that GET /metrics/ lists."
    )
    human_mean = number("Raw mean of its blind ratings, 1 to 5; null without any.")
    ratings = serializers.IntegerField(help_text="Number of its blind ratings.")
    index_recall = number("Share of the exact nearest neighbours that its active index finds.")


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
    recall_at_1 = number("As in metrics.")
    recall_at_1_low = number()
    recall_at_1_high = number()
    recall_at = serializers.DictField(child=serializers.FloatField(), help_text="Recall@K by K.")
    map_at_r = serializers.FloatField(help_text="As in metrics.")
    map_at_r_low = number()
    map_at_r_high = number()
    human_mean = number(
        "Ballot-centred mean of the blind ratings, points of 1 to 5: the mean if every ballot had shown every model. "
        "Null without ratings, or if no ballot compares it with the other models."
    )
    human_low = number("Lower end of its 95 % interval over people and queries; null if there is none.")
    human_high = number("Upper end of its 95 % interval over people and queries; null if there is none.")
    ratings = serializers.IntegerField(help_text="Number of blind ratings of the model.")
    index_recall = number("Share of the exact nearest neighbours that the active index finds.")
    human_raw_mean = number("Raw mean of the blind ratings, whoever gave them, 1 to 5; null without any.")
    human_win_rate = number(
        "How often people rate it above an average other model, ties as halves, 0 to 1 (Bradley-Terry with ties); "
        "null if no ballot compares it."
    )
    human_win_low = number("Lower end of its 95 % interval over people and queries; null if there is none.")
    human_win_high = number("Upper end of its 95 % interval over people and queries; null if there is none.")
    human_rank_low = serializers.IntegerField(
        allow_null=True, help_text="Best rank by human_mean that simultaneous 95 % intervals leave open."
    )
    human_rank_high = serializers.IntegerField(
        allow_null=True, help_text="Worst rank by human_mean that simultaneous 95 % intervals leave open."
    )
    human_people = serializers.IntegerField(help_text="Number of people who rated it.")
    human_queries = serializers.IntegerField(help_text="Number of queries that it is rated on.")
    human_no_interval = no_interval("there is neither interval nor rank by human_mean")
    human_no_interval_text = in_words()
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
    low = number("Lower end of the 95 % interval of tau or difference, over people and queries; null if none.")
    high = number("Upper end of the 95 % interval of tau or difference, over people and queries; null if none.")
    people = serializers.IntegerField(help_text="Number of people who rated these models.")
    queries = serializers.IntegerField(help_text="Number of queries that these models are rated on.")
    no_interval = no_interval("there is no interval")
    no_interval_text = in_words()
    better = serializers.CharField(required=False, help_text="Name of the model with the higher MAP@R, of two.")
    is_level = serializers.BooleanField(required=False, help_text="Whether both have the same MAP@R.")
    difference = serializers.FloatField(required=False, help_text="Human mean of `better` minus that of the other.")
    certainty = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="Share of bootstrap resamples in which `better` is rated higher, 0 to 1; null if no interval.",
    )


class PeopleAgreementSerializer(serializers.Serializer[Any]):
    """Agreement of people about the same results."""

    share = serializers.FloatField(help_text="Share of comparisons in which two people agree, 0 to 1.")
    chance = serializers.FloatField(help_text="Share that chance gives, 0 to 1.")
    comparisons = serializers.IntegerField()
    alpha = number("Krippendorff's alpha, ordinal: 1 is perfect agreement, 0 is chance; null if all ratings are equal.")
    alpha_low = number("Lower end of its 95 % interval over people and queries; null if there is none.")
    alpha_high = number("Upper end of its 95 % interval over people and queries; null if there is none.")
    people = serializers.IntegerField(help_text="Number of people that alpha compares.")
    queries = serializers.IntegerField(help_text="Number of queries that alpha compares people on.")
    no_interval = no_interval("alpha has no interval")
    no_interval_text = in_words()


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
    column_bias = ColumnBiasSerializer(allow_null=True)
    metric_agreement = MetricAgreementSerializer()
    enough = EnoughSerializer()
    rows = LeaderboardRowSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("One data set", LEADERBOARD)])
class LeaderboardSerializer(serializers.Serializer[Any]):
    datasets = LeaderboardSectionSerializer(many=True)
