"""How models look over the API: one, what was noted of it, its files; and what bringing one takes."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.roles import is_curator
from config.api.fields import KeyField
from config.api.strict import StrictSerializer
from retrieval.datasets.api.datasets import VisibleDatasetField
from retrieval.models import Model
from retrieval.registry.services.model_files import PARTS

MODEL = {
    "id": 3,
    "name": "SoftTriple (seed 0)",
    "loss": "soft_triple",
    "dataset": 1,
    "experiment": 2,
    "dim": 512,
    "published": True,
    "has_network": True,
    "suspended_at": None,
    "encoder_problem": "",
    "licence": "",
    "weights_sha256": "de38fbbe20081720024ea8482c07b3a56aa359b16e68496163c05132ab5cc875",
    "metrics": {"map_at_r": 0.42, "recall_at": {"1": 0.71}, "intervals": {"map_at_r": [0.38, 0.46]}},
    "created_at": "2026-05-04T09:30:00Z",
}
PART = {
    "part": "metrics",
    "name": "softtriple-3-metrics.json",
    "size": 1843,
    "sha256": "9f2c1f0f6d3c1c7b0d5f4f2c8a4f0f6a3b0f6c2d9b1e7a5c3d2f1e0b9a8c7d6e",
    "made_at": "2026-05-04T09:30:00Z",
}
ANSWER = {"id": 27, "label": 4, "cosine": 0.9972}
DIAGNOSTICS = {
    "class_names": {"4": "Zephyrina gracilis", "7": "Idalora punctata"},
    "paths": {"27": "Zephyrina_gracilis/0002.jpg", "48": "Idalora_punctata/0005.jpg"},
    "classes": [{"label": 4, "map_at_r": 0.09, "queries": 6, "recall_at_1": 0.17}],
    "worst_queries": [{"id": 48, "label": 7, "average_precision": 0.0, "answers": [ANSWER]}],
    "hubs": [{"id": 27, "label": 4, "found": 18}],
    "near_duplicates": [],
    "neighbours": 10,
    "warnings": [],
}


@extend_schema_serializer(examples=[OpenApiExample("A model", MODEL)])
class ModelSerializer(serializers.ModelSerializer[Model]):
    metrics = serializers.DictField(read_only=True, allow_null=True, help_text="On the held-out classes; null before.")
    experiment = serializers.IntegerField(source="run.experiment_id", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Model
        fields = (
            "id", "name", "loss", "dataset", "experiment", "dim", "published", "has_network",
            "suspended_at", "encoder_problem", "licence", "weights_sha256", "metrics", "created_at",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance: Model) -> dict[str, Any]:
        """Leave out what a network said, which may be paths of the server, unless a curator asks."""
        value = super().to_representation(instance)
        request = self.context.get("request")
        if "encoder_problem" in value and not (request and is_curator(request.user)):
            value["encoder_problem"] = ""
        return value


@extend_schema_serializer(
    examples=[OpenApiExample("A network", {"dataset": 1, "name": "Ours", "weights": "(file)", "description": "(file)"})]
)
class NewModelSerializer(StrictSerializer):
    """Give weights and description, or embeddings and images."""

    dataset = VisibleDatasetField(pk_field=KeyField())
    name = serializers.CharField(
        max_length=160, required=False, default="", allow_blank=True, help_text="Else what its files say."
    )
    weights = serializers.FileField(required=False, default=None, help_text=".onnx or .safetensors")
    description = serializers.FileField(required=False, default=None, help_text="The .json of the weights.")
    embeddings = serializers.FileField(required=False, default=None, help_text=".npy, one row a picture.")
    images = serializers.FileField(required=False, default=None, help_text="CSV with a column path or sha256.")


@extend_schema_serializer(examples=[OpenApiExample("Figures", PART)])
class PartSerializer(serializers.Serializer[Any]):
    part = serializers.ChoiceField(choices=list(PARTS), read_only=True)
    name = serializers.CharField(read_only=True, help_text="Under which it is kept.")
    size = serializers.IntegerField(read_only=True, help_text="Bytes.")
    sha256 = serializers.CharField(read_only=True, allow_null=True, help_text="null: not computed yet.")
    made_at = serializers.DateTimeField(read_only=True)


class ClassNoteSerializer(serializers.Serializer[Any]):
    # The metaclass takes declared fields away, so this does not hide Field.label.
    label = serializers.IntegerField()  # type: ignore[assignment]
    queries = serializers.IntegerField()
    recall_at_1 = serializers.FloatField()
    map_at_r = serializers.FloatField()


class FoundSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the picture.")
    label = serializers.IntegerField()  # type: ignore[assignment]
    cosine = serializers.FloatField()


class QueryNoteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the picture.")
    label = serializers.IntegerField()  # type: ignore[assignment]
    average_precision = serializers.FloatField()
    answers = FoundSerializer(many=True, help_text="Nearest first.")


class HubSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the picture.")
    label = serializers.IntegerField()  # type: ignore[assignment]
    found = serializers.IntegerField(help_text="How many queries it is among the nearest of.")


class NearDuplicateSerializer(serializers.Serializer[Any]):
    measured = serializers.IntegerField(help_text="A held-out picture.")
    trained = serializers.IntegerField(help_text="The one of the training classes that it looks like.")
    correlation = serializers.FloatField()


@extend_schema_serializer(examples=[OpenApiExample("Some of it", DIAGNOSTICS)])
class DiagnosticsSerializer(serializers.Serializer[Any]):
    """What was noted when the model was measured; pictures may be gone since."""

    class_names = serializers.DictField(child=serializers.CharField(), help_text="By label, as they were.")
    paths = serializers.DictField(child=serializers.CharField(), help_text="By picture, as they were.")
    classes = ClassNoteSerializer(many=True, help_text="Worst first.")
    worst_queries = QueryNoteSerializer(many=True)
    hubs = HubSerializer(many=True)
    near_duplicates = NearDuplicateSerializer(many=True, required=False, help_text="Older models have none noted.")
    neighbours = serializers.IntegerField(help_text="Among how many a hub counts as found.")
    warnings = serializers.ListField(child=serializers.CharField())
