"""What the API says of why an answer is one."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from retrieval.search.services.explanations import Side, Why

SIDE = {
    "width": 640,
    "height": 480,
    "square": {"left": 80.0, "top": 0.0, "side": 480.0},
    "regions": [{"name": "middle", "share": 0.31}],
    "places": [{"x": 260.0, "y": 180.0, "width": 60.0, "height": 60.0, "share": 0.12}],
}


class SquareSerializer(serializers.Serializer[Any]):
    """The square that the network saw, in pixels of the picture."""

    left = serializers.FloatField()
    top = serializers.FloatField()
    side = serializers.FloatField()


class RegionSerializer(serializers.Serializer[Any]):
    """A ninth of that square, and what it brings to the similarity; below 0 it takes away."""

    name = serializers.CharField()
    share = serializers.FloatField()


class PlaceSerializer(serializers.Serializer[Any]):
    """A place of the network's last map, in pixels of the picture, and what it brings; faint ones are left out."""

    x = serializers.FloatField()
    y = serializers.FloatField()
    width = serializers.FloatField()
    height = serializers.FloatField()
    share = serializers.FloatField()


class SideSerializer(serializers.Serializer[Any]):
    """One of the two pictures."""

    width = serializers.IntegerField()
    height = serializers.IntegerField()
    square = SquareSerializer()
    regions = RegionSerializer(many=True)
    places = PlaceSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A similarity taken apart",
            {
                "similarity": 0.913204,
                "explained": 0.9131,
                "exact": True,
                "reason": "",
                "query": SIDE,
                "answer": SIDE,
            },
        )
    ]
)
class WhySerializer(serializers.Serializer[Any]):
    """Why: `similarity` is the search's, `explained` that of the two pictures as kept; all shares sum up to it.

    Where it is not exact, `reason` says what of the network keeps it from being so.
    """

    similarity = serializers.FloatField()
    explained = serializers.FloatField()
    exact = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    query = SideSerializer()
    answer = SideSerializer()


def told(why: Why) -> dict[str, Any]:
    """Return why an answer is one, as the API says it."""
    return {
        "similarity": why.told,
        "explained": why.score,
        "exact": why.exact,
        "reason": why.reason,
        "query": _side(why.query),
        "answer": _side(why.answer),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "width": side.width,
        "height": side.height,
        "square": {"left": float(side.left), "top": float(side.top), "side": float(side.side)},
        "regions": [{"name": name, "share": share} for row in side.regions for name, share in row],
        "places": [
            {
                "x": float(place.x),
                "y": float(place.y),
                "width": float(place.width),
                "height": float(place.height),
                "share": place.share,
            }
            for place in side.places
        ],
    }
