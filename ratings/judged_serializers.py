"""Serializers of measures against people's marks."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from ratings.figure_serializers import in_words, number
from ratings.services.judged_metrics import NO_MARKS
from ratings.services.rating_statistics import FEW_QUERIES, FEWEST_QUERIES

TABLE = {
    "dataset": "birds",
    "rows": [
        {
            "model": 3,
            "name": "Multi-Similarity",
            "ndcg": 0.71,
            "low": 0.62,
            "high": 0.8,
            "no_interval": "",
            "no_interval_text": "",
            "judged": 0.84,
            "bpref": 0.66,
            "queries": 24,
        }
    ],
    "no_rows": "",
    "same_queries": True,
    "queries": 24,
    "irrelevant_queries": 2,
    "judgements": 305,
    "marks": 388,
    "people": 9,
}


class JudgedRowSerializer(serializers.Serializer[Any]):
    """A model; its values are means over its judged queries, 0 to 1."""

    model = serializers.IntegerField(help_text="Id of the model.")
    name = serializers.CharField(help_text="Name of the model.")
    ndcg = serializers.FloatField(help_text="nDCG@8 with the grades 0 to 2 as gains.")
    low = number("Lower end of the 95 % interval of nDCG@8 over queries; null if there is none.")
    high = number("Upper end of the 95 % interval of nDCG@8 over queries; null if there is none.")
    no_interval = serializers.CharField(
        allow_blank=True, help_text=f"{FEW_QUERIES} below {FEWEST_QUERIES} queries; empty if there is an interval."
    )
    no_interval_text = in_words()
    judged = serializers.FloatField(help_text="Share of its first 8 results that have a grade.")
    bpref = serializers.FloatField(help_text="bpref; grades 1 and 2 are relevant.")
    queries = serializers.IntegerField(help_text="Number of judged queries that it has results for.")


@extend_schema_serializer(examples=[OpenApiExample("One model", TABLE)])
class JudgedTableSerializer(serializers.Serializer[Any]):
    """Models measured against people's marks, the highest nDCG@8 first."""

    dataset = serializers.CharField(source="dataset.slug", help_text="Slug of the data set.")
    rows = JudgedRowSerializer(many=True)
    no_rows = serializers.CharField(
        allow_blank=True, help_text=f"{NO_MARKS} if nobody marked a result of a ballot's query; else empty."
    )
    same_queries = serializers.BooleanField(
        help_text="Whether all rows have as many queries; if not, their means are of different queries."
    )
    queries = serializers.IntegerField(help_text="Number of queries with a grade.")
    irrelevant_queries = serializers.IntegerField(
        help_text="Those of them without a relevant picture; every model has 0 there."
    )
    judgements = serializers.IntegerField(help_text="Number of pairs of query and picture with a grade.")
    marks = serializers.IntegerField(help_text="Number of marks that the grades are medians of.")
    people = serializers.IntegerField(help_text="Number of people who gave them.")
