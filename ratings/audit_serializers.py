"""Serializers of the leaderboard's audit."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from ratings.figure_serializers import ColumnBiasSerializer, in_words, no_interval, number
from ratings.services.audit_drift import NO_TREND

PERIOD = {"first": 1, "last": 41, "value": 3.4, "low": 3.1, "high": 3.7}
DRIFT = {
    "periods": [PERIOD, PERIOD | {"first": 42, "last": 82}, PERIOD | {"first": 83, "last": 122}],
    "change": 0.0,
    "low": -0.3,
    "high": 0.3,
    "people": 14,
    "queries": 38,
    "no_interval": "",
    "no_interval_text": "",
}
AUDIT = {
    "datasets": [
        {
            "dataset": "birds",
            "name": "Birds",
            "protocol": "cub-resnet50",
            "protocol_label": "cub-resnet50",
            "ballots": 122,
            "warnings": ["SoftTriple: 1 of 3 trained models are shown. The best of several looks better than it is."],
            "sampling": {
                "ballots": 122,
                "without_propensity": 0,
                "ratio": 1.1,
                "models": [
                    {
                        "id": 3,
                        "model": "Multi-Similarity (seed 0)",
                        "ballots": 122,
                        "share": 1.0,
                        "recorded": 122,
                        "expected": 122.0,
                        "is_off": False,
                    }
                ],
            },
            "column_bias": None,
            "removal": {"winner": "Multi-Similarity", "after": "SoftTriple", "ballots": 9, "share": 0.074},
            "level_drift": DRIFT,
            "difference_drift": {"first": "Multi-Similarity", "second": "SoftTriple", **DRIFT},
            "variants": [{"loss": "SoftTriple", "trained": 3, "shown": 1, "rated": 1}],
        }
    ]
}


class ModelSamplingSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Id of the model.")
    model = serializers.CharField(help_text="Name of the model.")
    ballots = serializers.IntegerField(help_text="Number of rated ballots that showed it.")
    share = serializers.FloatField(help_text="The same as a share of all rated ballots of the data set, 0 to 1.")
    recorded = serializers.IntegerField(help_text="Number of those ballots that logged probabilities.")
    expected = number("What the logged probabilities add up to: as many ballots were to show it; null without any.")
    is_off = serializers.BooleanField(
        help_text="Whether the two differ by more than chance, at 5 % for all models together."
    )


class SamplingSerializer(serializers.Serializer[Any]):
    ballots = serializers.IntegerField(help_text="Number of rated ballots of the data set.")
    without_propensity = serializers.IntegerField(help_text="Number of them that logged no probability.")
    ratio = number("Ballots of the most shown model over those of the least shown; null if that has none.")
    models = ModelSamplingSerializer(many=True)


class RemovalSerializer(serializers.Serializer[Any]):
    """Ballots whose removal puts another row first: an upper bound, found by influence and solved exactly."""

    winner = serializers.CharField(help_text="Name of the first row by human mean.")
    after = serializers.CharField(help_text="Name of the row that is first without the ballots.")
    ballots = serializers.IntegerField(help_text="Number of whole ballots; 0 if the two are level as it is.")
    share = serializers.FloatField(help_text="The same as a share of the table's ballots, 0 to 1.")


class PeriodSerializer(serializers.Serializer[Any]):
    first = serializers.IntegerField(help_text="Its first ballot; 1 is the one that was cast first.")
    last = serializers.IntegerField(help_text="Its last ballot.")
    value = number("Value in points; null if its ballots do not compare the models.")
    low = number("Lower end of its 95 % interval; null if there is none.")
    high = number("Upper end of its 95 % interval; null if there is none.")


class DriftSerializer(serializers.Serializer[Any]):
    """A value by periods of about equally many ballots, and a test of its trend."""

    periods = PeriodSerializer(many=True)
    change = number("Change from the first period to the last on the least-squares line, in points.")
    low = number("Lower end of its 97.5 % interval over people and queries; null if there is none.")
    high = number("Upper end of its 97.5 % interval over people and queries; null if there is none.")
    people = serializers.IntegerField()
    queries = serializers.IntegerField()
    no_interval = no_interval("there is no test", NO_TREND)
    no_interval_text = in_words()


class DifferenceDriftSerializer(DriftSerializer):
    """The drift of the difference of the two highest human means, first minus second."""

    first = serializers.CharField(help_text="Name of the first row.")
    second = serializers.CharField(help_text="Name of the second row.")


class LossVariantsSerializer(serializers.Serializer[Any]):
    loss = serializers.CharField(help_text="Title of the loss.")
    trained = serializers.IntegerField(help_text="Number of its models in the data set, published or not.")
    shown = serializers.IntegerField(help_text="Number of them that are published.")
    rated = serializers.IntegerField(help_text="Number of them that people rated.")


class TableAuditSerializer(serializers.Serializer[Any]):
    """The audit of one table of the leaderboard."""

    dataset = serializers.CharField(help_text="Slug of the data set.")
    name = serializers.CharField(help_text="Name of the data set.")
    protocol = serializers.CharField(help_text="Value of the filter `protocol` that selects this table.")
    protocol_label = serializers.CharField(help_text="Name of the protocol, with the settings that tell it apart.")
    ballots = serializers.IntegerField(help_text="Number of rated ballots with the table's models.")
    warnings = serializers.ListField(child=serializers.CharField(), help_text="A sentence for each check that failed.")
    sampling = SamplingSerializer()
    column_bias = ColumnBiasSerializer(allow_null=True)
    removal = RemovalSerializer(
        allow_null=True, help_text="Null if half of the ballots do not change the first row, or nothing is compared."
    )
    level_drift = DriftSerializer(allow_null=True, help_text="Drift of the mean rating; null without ratings.")
    difference_drift = DifferenceDriftSerializer(allow_null=True, help_text="Null if no two rows are compared.")
    variants = LossVariantsSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("One data set", AUDIT)])
class LeaderboardAuditSerializer(serializers.Serializer[Any]):
    datasets = TableAuditSerializer(many=True)
