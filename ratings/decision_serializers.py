"""Serializers of which metric predicts people best, and of what people's ratings decide."""

from typing import Any

from rest_framework import serializers

from ratings.figure_serializers import in_words, no_interval, number
from ratings.services.enough_votes import STATES
from ratings.services.metric_agreement import NO_ORDER

METRIC_AGREEMENT = {
    "metrics": [
        {
            "name": "query_average_precision",
            "title": "AP@8",
            "meaning": "Average precision of the results shown for the query.",
            "of_query": True,
            "auc": 0.71,
            "low": 0.64,
            "high": 0.78,
            "rank_low": 1,
            "rank_high": 2,
            "pairs": 412,
        },
        {
            "name": "map_at_r",
            "title": "MAP@R",
            "meaning": "Mean average precision over the first R results.",
            "of_query": True,
            "auc": 0.58,
            "low": 0.5,
            "high": 0.65,
            "rank_low": 1,
            "rank_high": 2,
            "pairs": 412,
        },
    ],
    "other_people": {"auc": 0.69, "low": 0.61, "high": 0.76, "comparisons": 240},
    "pairs": 412,
    "queries_left_out": 0,
    "people": 14,
    "queries": 38,
    "no_interval": "",
    "no_interval_text": "",
}
ENOUGH = {
    "best": "Multi-Similarity",
    "ballots": 122,
    "queries_available": 150,
    "pairs": [
        {
            "id": 5,
            "model": "SoftTriple",
            "difference": 0.12,
            "half_width": 0.28,
            "state": "open",
            "ballots": 118,
            "queries": 90,
            "needs_queries": False,
            "text": "undecided: it takes about 120 more ballots",
        }
    ],
    "people": 14,
    "queries": 38,
    "no_interval": "",
    "no_interval_text": "",
}


class MetricFigureSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(
        help_text="Name: query_... is the metric of the shown results of the ballot's query, others as GET /metrics/."
    )
    title = serializers.CharField()
    meaning = serializers.CharField()
    of_query = serializers.BooleanField(
        help_text="Whether it is the value of the ballot's query; else the model's mean, as a model lacks such values."
    )
    auc = serializers.FloatField(
        help_text="Share of the pairs of columns with different ratings in which the column with the higher metric is "
        "rated higher, equal metrics as halves; 0.5 is a coin toss."
    )
    low = number("Lower end of its 95 % interval over people and queries; null if there is none.")
    high = number("Upper end of its 95 % interval over people and queries; null if there is none.")
    rank_low = serializers.IntegerField(
        allow_null=True, help_text="Best rank among the metrics that simultaneous 95 % intervals leave open."
    )
    rank_high = serializers.IntegerField(
        allow_null=True, help_text="Worst rank among the metrics that simultaneous 95 % intervals leave open."
    )
    pairs = serializers.IntegerField(help_text="Number of pairs whose columns both have the metric.")


class OtherPeopleSerializer(serializers.Serializer[Any]):
    """How well another person who rated the same pair predicts a person."""

    auc = serializers.FloatField(help_text="As for a metric; equal ratings of the other person as halves.")
    low = number("Lower end of its 95 % interval over people and queries; null if there is none.")
    high = number("Upper end of its 95 % interval over people and queries; null if there is none.")
    comparisons = serializers.IntegerField(help_text="Number of pairs of columns and people that it is of.")


class MetricAgreementSerializer(serializers.Serializer[Any]):
    """Which metric predicts people best; without metrics where it is withheld."""

    metrics = MetricFigureSerializer(many=True, help_text="The best first.")
    other_people = OtherPeopleSerializer(
        allow_null=True, help_text="Null if withheld, or if no two people rated the same pair."
    )
    pairs = serializers.IntegerField(help_text="Number of pairs of columns with different ratings.")
    queries_left_out = serializers.IntegerField(
        help_text="Number of rated queries whose class has no other picture, so that no metric is defined."
    )
    people = serializers.IntegerField(help_text="Number of people who gave such pairs.")
    queries = serializers.IntegerField(help_text="Number of queries of such pairs.")
    no_interval = no_interval("it is withheld", NO_ORDER)
    no_interval_text = in_words()


class PairDecisionSerializer(serializers.Serializer[Any]):
    """What the ratings decide between the best row and another one."""

    id = serializers.IntegerField(help_text="Id of the other row.")
    model = serializers.CharField(help_text="Name of the other row.")
    difference = serializers.FloatField(help_text="Human mean of the best minus that of the other.")
    half_width = serializers.FloatField(
        help_text="Half-width of the difference's interval, which holds at every ballot."
    )
    state = serializers.ChoiceField(
        STATES,
        help_text="separated: the interval leaves out 0. equivalent: it lies within 0.2 points of 0. open: neither.",
    )
    ballots = serializers.IntegerField(
        allow_null=True, help_text="If open: about how many more ballots it takes, of the kind that there are."
    )
    queries = serializers.IntegerField(
        allow_null=True, help_text="If open: how many queries it takes at least; null if unknown."
    )
    needs_queries = serializers.BooleanField(help_text="Whether that is more than people rate: queries_available.")
    text = serializers.CharField(help_text="The same in words, without names.")


class EnoughSerializer(serializers.Serializer[Any]):
    """Whether people's ratings decide between the best row by human mean and the others."""

    best = serializers.CharField(allow_blank=True, help_text="Name of the best row by human mean; empty without one.")
    ballots = serializers.IntegerField(help_text="Number of ballots that compare two rows.")
    queries_available = serializers.IntegerField(help_text="Number of queries of the data set that people rate.")
    pairs = PairDecisionSerializer(many=True, help_text="The best row against each other one, the closest first.")
    people = serializers.IntegerField(help_text="Number of people who rated the best row, or the one without interval.")
    queries = serializers.IntegerField(help_text="Number of queries on which that row is rated.")
    no_interval = no_interval("nothing is decided")
    no_interval_text = in_words()
