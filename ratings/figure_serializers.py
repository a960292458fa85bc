"""Serializers of figures that the leaderboard and its audit share."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from ratings.services.people_figures import NO_INTERVAL


def number(about: str = "") -> serializers.FloatField:
    """Return a field of a number that may be null."""
    return serializers.FloatField(allow_null=True, help_text=about)


def no_interval(what: str, codes: Sequence[str] = NO_INTERVAL) -> serializers.CharField:
    """Return a field with the code of why something is missing."""
    return serializers.CharField(
        allow_blank=True, help_text=f"Code of why {what}: {', '.join(codes)}; empty if there is."
    )


def in_words() -> serializers.CharField:
    """Return a field with such a code in words."""
    return serializers.CharField(allow_blank=True, help_text="The same in words.")


class ColumnFigureSerializer(serializers.Serializer[Any]):
    column = serializers.IntegerField(help_text="Place on the ballot; 1 is the leftmost.")
    mean = serializers.FloatField(help_text="Mean rating above the mean of its ballot, in points.")
    low = number("Lower end of its interval; null if there is none.")
    high = number("Upper end of its interval; null if there is none.")
    ratings = serializers.IntegerField()


class ColumnBiasSerializer(serializers.Serializer[Any]):
    """Ratings by the place of the column; the intervals of all columns hold together at 95 %.

    An interval that leaves out 0 means that the place moves the ratings.
    """

    columns = ColumnFigureSerializer(many=True)
    people = serializers.IntegerField(help_text="Number of people who rated these models.")
    queries = serializers.IntegerField(help_text="Number of queries that these models are rated on.")
    no_interval = no_interval("there are no intervals")
    no_interval_text = in_words()
