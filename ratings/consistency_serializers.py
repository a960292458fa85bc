"""Serializers of raters' consistency."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from ratings.figure_serializers import number

CONSISTENCY = {
    "repeated": {
        "people": 9,
        "ballots": 14,
        "ratings": 52,
        "equal": 0.56,
        "within_one": 0.92,
        "equal_chance": 0.22,
        "within_one_chance": 0.58,
        "alpha": 0.78,
    },
    "attention": {"people": 7, "checks": 8, "lapses": 1, "share": 0.125},
}


class RepeatedSerializer(serializers.Serializer[Any]):
    """First and second ratings of the same results by the same person."""

    people = serializers.IntegerField(help_text="Number of people with a repeated ballot.")
    ballots = serializers.IntegerField(help_text="Number of repeated ballots.")
    ratings = serializers.IntegerField(help_text="Number of columns on them, each rated twice.")
    equal = serializers.FloatField(help_text="Share of the columns with equal ratings, 0 to 1.")
    within_one = serializers.FloatField(help_text="Share with ratings at most a point apart, 0 to 1.")
    equal_chance = serializers.FloatField(help_text="Share of equal ratings that chance gives.")
    within_one_chance = serializers.FloatField(help_text="Share at most a point apart that chance gives.")
    alpha = number("Krippendorff's alpha, ordinal: 1 is perfect, 0 is chance; null if all are equal.")


class AttentionSerializer(serializers.Serializer[Any]):
    """Ballots that showed the same results in two columns."""

    people = serializers.IntegerField(help_text="Number of people who rated one.")
    checks = serializers.IntegerField(help_text="Number of such ballots, without those on which none matched.")
    lapses = serializers.IntegerField(help_text="Number of them with ratings two points or more apart.")
    share = serializers.FloatField(help_text="lapses / checks, 0 to 1.")


@extend_schema_serializer(examples=[OpenApiExample("Repeats and duplicated columns", CONSISTENCY)])
class ConsistencySerializer(serializers.Serializer[Any]):
    """What hidden checks of raters found."""

    repeated = RepeatedSerializer(allow_null=True, help_text="null: no ballot was repeated yet.")
    attention = AttentionSerializer(allow_null=True, help_text="null: no column was shown twice yet.")
