"""Serializers of labels that look wrong."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

SUGGESTION = {
    "image": 48,
    "label": 7,
    "class_name": "Idalora punctata",
    "suggested_label": 4,
    "suggested_class": "Zephyrina gracilis",
    "confidence": 0.93,
    "own_share": 0.02,
    "trained": False,
    "neighbours": [27, 31, 12],
}
REPORT = {
    "index": 6,
    "model": 3,
    "dataset": 1,
    "found": 1,
    "checked": 5924,
    "pictures": 5924,
    "agreement": 0.87,
    "suggestions": [SUGGESTION],
}


class SuggestionSerializer(serializers.Serializer[Any]):
    image = serializers.IntegerField(source="image.pk", help_text="Id of the picture.")
    # The metaclass takes declared fields away, so this does not hide Field.label.
    label = serializers.IntegerField(source="image.label")  # type: ignore[assignment]
    class_name = serializers.CharField(source="image.class_name")
    suggested_label = serializers.IntegerField()
    suggested_class = serializers.CharField()
    confidence = serializers.FloatField(help_text="Share of the neighbours' votes for the suggested class, 0 to 1.")
    own_share = serializers.FloatField(help_text="Share of the neighbours' votes for the picture's own class, 0 to 1.")
    trained = serializers.BooleanField(help_text="Whether the model was trained on the picture.")
    neighbours = serializers.SerializerMethodField(
        help_text="Ids of its nearest pictures of the suggested class, nearest first; at most three."
    )

    def get_neighbours(self, row: Any) -> list[int]:
        return [image.pk for image in row.neighbours]


@extend_schema_serializer(examples=[OpenApiExample("One label", REPORT)])
class LabelReportSerializer(serializers.Serializer[Any]):
    """The labels of an index's data set that look wrong; at most 500 of them, without hidden pictures."""

    index = serializers.IntegerField(source="index.pk")
    model = serializers.IntegerField(source="index.model_id")
    dataset = serializers.IntegerField(source="index.dataset_id")
    found = serializers.IntegerField(help_text="Number of labels that look wrong.")
    checked = serializers.IntegerField(help_text="Number of pictures checked, drawn at random where not all are.")
    pictures = serializers.IntegerField(help_text="Number of pictures in the index that are not hidden.")
    agreement = serializers.FloatField(
        help_text="Share of the checked pictures whose neighbours give most votes to their label, 0 to 1."
    )
    suggestions = SuggestionSerializer(many=True)
