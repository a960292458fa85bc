"""What the nearest neighbours predict that a query is, over the API."""

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from retrieval.search.services.headlines import STATES, Candidate, Headline
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
LESS_SURE = {**PREDICTION, "confidence": 0.71}
PREDICTIONS = {
    "summary": "Most likely Tawny owl (71\N{EN DASH}87\N{NO-BREAK SPACE}%).",
    "headlines": [
        {
            "dataset": 1,
            "dataset_name": "Birds",
            "state": "likely",
            "classes": [
                {
                    "label": 7,
                    "class_name": "Tawny owl",
                    "confidence_low": 0.71,
                    "confidence_high": 0.87,
                    "models": ["Multi-Similarity", "SoftTriple"],
                }
            ],
            "others": [],
            "text": "Most likely Tawny owl (71\N{EN DASH}87\N{NO-BREAK SPACE}%).",
        }
    ],
    "unpredicted": "",
    "predictions": [
        {"model": 3, "model_name": "Multi-Similarity", "prediction": PREDICTION, "by_dataset": [PREDICTION]},
        {"model": 4, "model_name": "SoftTriple", "prediction": LESS_SURE, "by_dataset": [LESS_SURE]},
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
        allow_null=True,
        help_text="The most confident of `by_dataset`. null: no labels, index deleted, or a search with filters, "
        "more_like or less_like.",
    )
    by_dataset = PredictionSerializer(
        source="predictions", many=True, help_text="One for each data set in which the model predicts something."
    )


class CandidateSerializer(serializers.Serializer[Candidate]):
    """A class that models predict; label null: they find the query in no class of the data set."""

    label = serializers.IntegerField(allow_null=True)  # type: ignore[assignment]  # declared fields leave the class
    class_name = serializers.CharField(help_text="Name of the class; empty where label is null.")
    confidence_low = serializers.FloatField(allow_null=True, help_text="Lowest confidence of these models, 0 to 1.")
    confidence_high = serializers.FloatField(allow_null=True, help_text="Highest confidence of these models, 0 to 1.")
    models = serializers.ListField(child=serializers.CharField(), help_text="Names of the models that predict it.")


class HeadlineSerializer(serializers.Serializer[Headline]):
    """What the models together predict in one data set, as the page shows it."""

    dataset = serializers.IntegerField()
    dataset_name = serializers.CharField()
    state = serializers.ChoiceField(
        choices=STATES,
        help_text="likely: the mean confidence in the first class is at least 0.5, a model that predicts something "
        "else counting as 0. unknown: the models find the query in no class. disagreement: one model is sure, "
        "another predicts something else. unsure: all else.",
    )
    classes = CandidateSerializer(many=True, help_text="Classes that the headline names, the most confident first.")
    others = CandidateSerializer(many=True, help_text="What other models predict, where the first class is likely.")
    text = serializers.CharField(help_text="The headline as a sentence.")


@extend_schema_serializer(examples=[OpenApiExample("Two models agree", PREDICTIONS)])
class PredictionsSerializer(serializers.Serializer[SearchResults]):
    """What the models predict that a query is, together and each by itself."""

    summary = serializers.CharField(
        source="prediction_summary", help_text="The headlines as one text; empty without predictions."
    )
    headlines = HeadlineSerializer(many=True, help_text="One for each data set with predictions.")
    unpredicted = serializers.ChoiceField(
        choices=["", "refined", "filtered"],
        help_text="Why there are no predictions: refined by marks, or limited by a filter; empty: neither.",
    )
    predictions = ModelPredictionSerializer(source="columns", many=True)
