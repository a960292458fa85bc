"""What the API shows of the explanation of a result."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from retrieval.search.services.explanations import Cell, Explanation, Region, Side, Square

SIDE = {
    "width": 640,
    "height": 480,
    "square": {"left": 80.0, "top": 0.0, "side": 480.0},
    "regions": [{"name": "middle", "share": 0.31}],
    "cells": [{"x": 260.0, "y": 180.0, "width": 60.0, "height": 60.0, "share": 0.12}],
}


class SquareSerializer(serializers.Serializer[Square]):
    """The square that the network saw, in pixels of the picture."""

    left = serializers.FloatField()
    top = serializers.FloatField()
    side = serializers.FloatField()


class RegionSerializer(serializers.Serializer[Region]):
    """A ninth of that square, and its share of the similarity; a negative one reduces it."""

    name = serializers.CharField()
    share = serializers.FloatField()


class CellSerializer(serializers.Serializer[Cell]):
    """A cell of the network's last feature map, in pixels of the picture, and its share of the similarity.

    Cells below 1 % of the strongest are left out.
    """

    x = serializers.FloatField()
    y = serializers.FloatField()
    width = serializers.FloatField()
    height = serializers.FloatField()
    share = serializers.FloatField()


class SideSerializer(serializers.Serializer[Side]):
    """One of the two pictures."""

    width = serializers.IntegerField(source="square.width")
    height = serializers.IntegerField(source="square.height")
    square = SquareSerializer()
    regions = RegionSerializer(source="all_regions", many=True)
    cells = CellSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A similarity in parts",
            {
                "similarity": 0.913204,
                "explained": 0.9131,
                "exact": True,
                "reason": "",
                "query": SIDE,
                "result": SIDE,
            },
        )
    ]
)
class ExplanationSerializer(serializers.Serializer[Explanation]):
    """`similarity` is the search's, `explained` that of the two stored pictures; all shares add up to it.

    Where it is not exact, `reason` names what in the network prevents it.
    """

    similarity = serializers.FloatField(source="search_score")
    explained = serializers.FloatField(source="explained_score")
    exact = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    query = SideSerializer()
    result = SideSerializer()
