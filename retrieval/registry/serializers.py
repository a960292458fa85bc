"""Serializers of models: one model, its diagnostics, its files, and the body that imports one."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from config.api.curator_fields import CuratorFieldsMixin
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
    "is_default": False,
    "has_network": True,
    "suspended_at": None,
    "encoder_problem": "",
    "licence": "",
    "weights_sha256": "de38fbbe20081720024ea8482c07b3a56aa359b16e68496163c05132ab5cc875",
    "metrics": {"map_at_r": 0.42, "recall_at": {"1": 0.71}, "intervals": {"map_at_r": [0.38, 0.46]}},
    "archived_at": None,
    "created_at": "2026-05-04T09:30:00Z",
}
PART = {
    "part": "metrics",
    "name": "softtriple-3-metrics.json",
    "size": 1843,
    "sha256": "9f2c1f0f6d3c1c7b0d5f4f2c8a4f0f6a3b0f6c2d9b1e7a5c3d2f1e0b9a8c7d6e",
    "created_at": "2026-05-04T09:30:00Z",
}
NEIGHBOUR = {"id": 27, "label": 4, "similarity": 0.9972}
DIAGNOSTICS = {
    "class_names": {"4": "Zephyrina gracilis", "7": "Idalora punctata"},
    "paths": {"27": "Zephyrina_gracilis/0002.jpg", "48": "Idalora_punctata/0005.jpg"},
    "classes": [{"label": 4, "map_at_r": 0.09, "queries": 6, "recall_at_1": 0.17}],
    "worst_queries": [{"id": 48, "label": 7, "average_precision": 0.0, "results": [NEIGHBOUR]}],
    "hubs": [{"id": 27, "label": 4, "found": 18}],
    "near_duplicates": [],
    "neighbours": 10,
    "warnings": [],
}


class MetricsField(serializers.DictField):
    """The metrics of a run or a model, in today's keys."""

    def __init__(self) -> None:
        text = "Metrics on the held-out classes; null until evaluated."
        super().__init__(read_only=True, allow_null=True, help_text=text)

    def to_representation(self, value: Mapping[str, object]) -> dict[str, object]:
        today = {"queries_without_match" if name == "lonely" else name: part for name, part in value.items()}
        return super().to_representation(today)  # release 0.1 called them lonely


@extend_schema_serializer(examples=[OpenApiExample("A model", MODEL)])
class ModelSerializer(CuratorFieldsMixin, serializers.ModelSerializer[Model]):
    curator_fields = {"encoder_problem": ""}  # what a network said, which may be paths of the server
    metrics = MetricsField()
    experiment = serializers.IntegerField(source="run.experiment_id", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Model
        fields = (
            "id", "name", "loss", "dataset", "experiment", "dim", "published", "is_default", "has_network",
            "suspended_at", "encoder_problem", "licence", "weights_sha256", "metrics", "archived_at",
            "created_at",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_serializer(
    examples=[OpenApiExample("A network", {"dataset": 1, "name": "Ours", "weights": "(file)", "description": "(file)"})]
)
class NewModelSerializer(StrictSerializer):
    """An external model: weights with their description, or embeddings with their images."""

    dataset = VisibleDatasetField(pk_field=KeyField())
    name = serializers.CharField(
        max_length=160,
        required=False,
        default="",
        allow_blank=True,
        help_text="Name in lists; default: the name in its files.",
    )
    weights = serializers.FileField(required=False, default=None, help_text="Network, .onnx or .safetensors.")
    description = serializers.FileField(
        required=False, default=None, help_text=".json of the weights: how to feed them."
    )
    embeddings = serializers.FileField(
        required=False, default=None, help_text=".npy array [N, D], one row per picture."
    )
    images = serializers.FileField(
        required=False, default=None, help_text="CSV with a path or sha256 column that matches each row to a picture."
    )


@extend_schema_serializer(examples=[OpenApiExample("Metrics", PART)])
class PartSerializer(serializers.Serializer[Any]):
    part = serializers.ChoiceField(choices=list(PARTS), read_only=True)
    name = serializers.CharField(read_only=True, help_text="Name of the downloaded file.")
    size = serializers.IntegerField(read_only=True, help_text="Size in bytes.")
    sha256 = serializers.CharField(read_only=True, allow_null=True, help_text="Checksum; null until computed.")
    created_at = serializers.DateTimeField(read_only=True)


class ClassNoteSerializer(serializers.Serializer[Any]):
    # The metaclass takes declared fields away, so this does not hide Field.label.
    label = serializers.IntegerField()  # type: ignore[assignment]
    queries = serializers.IntegerField()
    recall_at_1 = serializers.FloatField()
    map_at_r = serializers.FloatField()


class NeighbourSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Id of the picture.")
    label = serializers.IntegerField()  # type: ignore[assignment]
    similarity = serializers.FloatField(help_text="Cosine of the two embeddings, -1 to 1.")


class QueryNoteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Id of the picture.")
    label = serializers.IntegerField()  # type: ignore[assignment]
    average_precision = serializers.FloatField()
    results = NeighbourSerializer(many=True, help_text="Nearest pictures, nearest first.")


class HubSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Id of the picture.")
    label = serializers.IntegerField()  # type: ignore[assignment]
    found = serializers.IntegerField(help_text="Number of queries that have it among their nearest.")


class NearDuplicateSerializer(serializers.Serializer[Any]):
    measured = serializers.IntegerField(help_text="Id of a held-out picture.")
    trained = serializers.IntegerField(help_text="Id of its near-duplicate in training.")
    correlation = serializers.FloatField()


@extend_schema_serializer(examples=[OpenApiExample("Excerpt", DIAGNOSTICS)])
class DiagnosticsSerializer(serializers.Serializer[Any]):
    """Classes, worst queries and hubs of a model's evaluation; pictures deleted or hidden since are left out."""

    class_names = serializers.DictField(
        child=serializers.CharField(), help_text="Names of classes at evaluation, by label."
    )
    paths = serializers.DictField(child=serializers.CharField(), help_text="Paths of pictures at evaluation, by id.")
    classes = ClassNoteSerializer(many=True, help_text="Classes, worst first.")
    worst_queries = QueryNoteSerializer(many=True)
    hubs = HubSerializer(many=True)
    near_duplicates = NearDuplicateSerializer(
        many=True, required=False, help_text="Missing for models of older versions."
    )
    neighbours = serializers.IntegerField(help_text="Number of nearest pictures that hubs are counted in.")
    warnings = serializers.ListField(child=serializers.CharField())
