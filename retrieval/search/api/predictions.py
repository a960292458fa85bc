"""What the neighbours of a query say that it is, over the API."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.roles import Visitor
from retrieval.models import Search
from retrieval.registry.services.confidence import Told, weigh
from retrieval.search.services import results

VERDICT = {
    "dataset": 1,
    "label": 7,
    "class_name": "Tawny owl",
    "confidence": 0.87,
    "shares": [{"class_name": "Tawny owl", "share": 0.75}, {"class_name": "Ural owl", "share": 0.25}],
    "near": True,
    "similarity": 0.913204,
}
VERDICTS = {
    "summary": "Both models say Tawny owl.",
    "verdicts": [
        {"model": 3, "model_name": "Multi-Similarity", "verdict": VERDICT},
        {"model": 4, "model_name": "SoftTriple", "verdict": {**VERDICT, "confidence": 0.71}},
    ],
}


class ShareSerializer(serializers.Serializer[Any]):
    class_name = serializers.CharField()
    share = serializers.FloatField(help_text="Of the vote, 0 to 1.")


class VerdictSerializer(serializers.Serializer[Any]):
    """A class, and how sure: confidence is how often votes like this one are right."""

    dataset = serializers.IntegerField()
    label = serializers.IntegerField()  # type: ignore[assignment]  # declared fields leave the class
    class_name = serializers.CharField()
    confidence = serializers.FloatField()
    shares = ShareSerializer(many=True, help_text="The first classes.")
    near = serializers.BooleanField(help_text="Whether anything is as near as pictures of one class usually are.")
    similarity = serializers.FloatField(help_text="The cosine of the nearest.")


class ModelVerdictSerializer(serializers.Serializer[Any]):
    model = serializers.IntegerField()
    model_name = serializers.CharField()
    verdict = VerdictSerializer(
        allow_null=True, help_text="null: no labels, no index any more, or a question with filters, more or less."
    )


@extend_schema_serializer(examples=[OpenApiExample("Two models agree", VERDICTS)])
class VerdictsSerializer(serializers.Serializer[Any]):
    summary = serializers.CharField(help_text="Whether the models agree; empty where fewer than two say something.")
    verdicts = ModelVerdictSerializer(many=True)


def verdicts_of(search: Search, viewer: Visitor) -> dict[str, Any]:
    """Return what each model says, and whether they agree."""
    columns = results.answers_of(search, viewer)
    summary = weigh(search, columns)
    return {
        "summary": summary,
        "verdicts": [
            {
                "model": column["model"].pk,
                "model_name": column["model"].name,
                "verdict": column["verdict"] and _shown(column["verdict"]),
            }
            for column in columns
        ],
    }


def _shown(told: Told) -> dict[str, Any]:
    return {
        "dataset": told.dataset.pk,
        "label": told.label,
        "class_name": told.class_name,
        "confidence": told.confidence,
        "shares": [{"class_name": name, "share": share} for name, share in told.shares],
        "near": told.near,
        "similarity": told.top,
    }
