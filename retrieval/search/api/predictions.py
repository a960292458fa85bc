"""What the nearest neighbours predict that a query is, over the API."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from retrieval.search.services.predictions import Prediction, Share
from retrieval.search.services.results import Column, SearchResults

PREDICTION = {
    "dataset": 1,
    "label": 7,
    "class_name": "Tawny owl",
    "confidence": 0.87,
    "shares": [{"class_name": "Tawny owl", "share": 0.75}, {"class_name": "Ural owl", "share": 0.25}],
    "unknown": False,
    "similarity": 0.913204,
}
PREDICTIONS = {
    "summary": "Both models predict Tawny owl.",
    "predictions": [
        {"model": 3, "model_name": "Multi-Similarity", "prediction": PREDICTION},
        {"model": 4, "model_name": "SoftTriple", "prediction": {**PREDICTION, "confidence": 0.71}},
    ],
}


class ShareSerializer(serializers.Serializer[Share]):
    class_name = serializers.CharField()
    share = serializers.FloatField(help_text="Share of the vote, 0 to 1.")


class PredictionSerializer(serializers.Serializer[Prediction]):
    """The class that the nearest neighbours vote for, and the probability that it is right."""

    dataset = serializers.IntegerField()
    label = serializers.IntegerField()  # type: ignore[assignment]  # declared fields leave the class
    class_name = serializers.CharField()
    confidence = serializers.FloatField(help_text="Calibrated probability that the class is right, 0 to 1.")
    shares = ShareSerializer(many=True, help_text="The first classes of the vote.")
    unknown = serializers.BooleanField(
        help_text="Whether the query is probably of no class in the index: its nearest picture is less similar than "
        "pictures of one class usually are."
    )
    similarity = serializers.FloatField(help_text="Cosine similarity of the nearest picture, -1 to 1.")


class ModelPredictionSerializer(serializers.Serializer[Column]):
    model = serializers.IntegerField()
    model_name = serializers.CharField()
    prediction = PredictionSerializer(
        allow_null=True, help_text="null: no labels, index deleted, or a search with filters, more_like or less_like."
    )


@extend_schema_serializer(examples=[OpenApiExample("Two models agree", PREDICTIONS)])
class PredictionsSerializer(serializers.Serializer[SearchResults]):
    summary = serializers.CharField(
        source="agreement", help_text="Sentence on whether the models agree; empty with fewer than two predictions."
    )
    predictions = ModelPredictionSerializer(source="columns", many=True)
