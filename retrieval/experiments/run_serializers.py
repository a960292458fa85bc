"""How runs look over the API: one, its curves, and several side by side."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from config.api.fields import KeyField
from config.api.strict import StrictSerializer
from jobs.models import Job
from retrieval.experiments.services.comparing import FEWEST, MOST
from retrieval.models import Run

NUMBER_OR_NULL = {"type": ["number", "null"]}
RUN = {
    "id": 4,
    "experiment": 2,
    "dataset": 1,
    "loss": "soft_triple",
    "params": {"centers": 10, "scale": 20.0, "gamma": 0.1, "tau": 0.2, "margin": 0.01},
    "tuned": False,
    "changes": {},
    "seed": 0,
    "fold": None,
    "state": "succeeded",
    "job": 12,
    "history": [{"event": "epoch", "epoch": 1, "epochs": 1, "loss": 2.15, "images_per_second": 131.9, "seconds": 0.12}],
    "metrics": {"map_at_r": 0.42, "recall_at": {"1": 0.71}, "intervals": {"map_at_r": [0.38, 0.46]}},
    "model": 3,
}
CURVES = {
    "active": False,
    "runs": [
        {
            "title": "SoftTriple (seed 0)",
            "color": 0,
            "state": "succeeded",
            "loss": [[1, 2.15], [2, 1.87]],
            "recall": [],
            "speed": [[1, 131.9], [2, 140.2]],
        }
    ],
}
PAIR = {
    "first": 4,
    "second": 5,
    "difference": -0.012,
    "p": 0.31,
    "holm": 0.31,
    "seeds": 1,
    "verdict": "cannot tell",
}
COMPARISON = {
    "runs": [{"id": 4, "title": "SoftTriple (seed 0)"}, {"id": 5, "title": "Multi-Similarity (seed 0)"}],
    "figures": [{"name": "MAP@R", "cells": [{"value": 0.42, "low": 0.38, "high": 0.46}, None]}],
    "protocol": [{"name": "loss", "values": ["soft_triple", "multi_similarity"], "differs": True}],
    "differing": ["loss"],
    "warnings": [],
    "tests": [{"figure": "map_at_r", "title": "MAP@R", "queries": 240, "classes": 40, "pairs": [PAIR]}],
    "job": 19,
}


@extend_schema_serializer(examples=[OpenApiExample("A finished run", RUN)])
class RunSerializer(serializers.ModelSerializer[Run]):
    dataset = serializers.IntegerField(source="experiment.dataset_id", read_only=True)
    params = serializers.DictField(read_only=True, help_text="Of its loss: the paper's, unless the experiment has own.")
    changes = serializers.DictField(read_only=True, help_text="What tuning changed of the protocol.")
    state = serializers.ChoiceField(choices=Job.State.choices, read_only=True)
    history = serializers.ListField(child=serializers.DictField(), read_only=True, help_text="One event an epoch.")
    metrics = serializers.DictField(read_only=True, allow_null=True, help_text="On the held-out classes; null before.")
    model: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)

    class Meta:
        model = Run
        fields = (
            "id", "experiment", "dataset", "loss", "params", "tuned", "changes", "seed", "fold", "state", "job",
            "history", "metrics", "model",
        )  # fmt: skip
        read_only_fields = fields


class CurveField(serializers.ListField):
    """A list of [epoch, value]."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.ListField(child=serializers.FloatField()), **kwargs)


class CurvesOfRunSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    color = serializers.IntegerField(help_text="Which of the eight colours it wears.")
    state = serializers.ChoiceField(choices=Job.State.choices)
    loss = CurveField(help_text="[epoch, mean loss]")
    recall = CurveField(help_text="[epoch, Recall@1 of the validation classes in percent], where these select.")
    speed = CurveField(help_text="[epoch, pictures a second]")


@extend_schema_serializer(examples=[OpenApiExample("Two epochs", CURVES)])
class CurvesSerializer(serializers.Serializer[Any]):
    active = serializers.BooleanField(help_text="Whether more is to come.")
    runs = CurvesOfRunSerializer(many=True)


@extend_schema_serializer(
    examples=[OpenApiExample("Two lines", {"lines": ["09:30:02 train begins", "09:30:41 epoch 1 of 5: loss 1.2345"]})]
)
class LogSerializer(serializers.Serializer[Any]):
    """The last lines of a training, the newest at the end."""

    lines = serializers.ListField(child=serializers.CharField())


class AskedRunsSerializer(StrictSerializer):
    run = serializers.ListField(
        child=KeyField(), min_length=FEWEST, max_length=MOST, help_text="Say it again for each: ?run=4&run=5."
    )


@extend_schema_serializer(examples=[OpenApiExample("Two runs", {"runs": [4, 5]})])
class RunsToTestSerializer(StrictSerializer):
    runs = serializers.ListField(child=KeyField(), min_length=FEWEST, max_length=MOST)


class NamedRunSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()


class CellSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


@extend_schema_field(
    {
        "type": "array",
        "items": {
            "type": ["object", "null"],
            "properties": {"value": {"type": "number"}, "low": NUMBER_OR_NULL, "high": NUMBER_OR_NULL},
            "required": ["value", "low", "high"],
        },
    }
)
class CellsField(serializers.ListField):
    """A cell of each run, null where a figure is not known."""

    child = CellSerializer()


class FigureSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    cells = CellsField(help_text="Of each run, with the 95 % interval; null where it is not known.")


class ProtocolFieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    values = serializers.ListField(help_text="In each run.")
    differs = serializers.BooleanField()


class PairSerializer(serializers.Serializer[Any]):
    first = serializers.IntegerField(help_text="A run.")
    second = serializers.IntegerField(help_text="Another.")
    difference = serializers.FloatField(help_text="The first minus the second, as a fraction of 1.")
    p = serializers.FloatField()
    holm = serializers.FloatField(help_text="p, corrected for all pairs.")
    seeds = serializers.IntegerField()
    verdict = serializers.CharField()


class PairedTestSerializer(serializers.Serializer[Any]):
    figure = serializers.CharField()
    title = serializers.CharField()
    queries = serializers.IntegerField()
    classes = serializers.IntegerField()
    pairs = PairSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("Two runs", COMPARISON)])
class ComparisonSerializer(serializers.Serializer[Any]):
    """Runs side by side, in the order asked for."""

    runs = NamedRunSerializer(many=True)
    figures = FigureSerializer(many=True)
    protocol = ProtocolFieldSerializer(many=True, help_text="Every field; those that differ first.")
    differing = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField(), help_text="What makes it unfair.")
    tests = PairedTestSerializer(many=True, allow_null=True, help_text="null: not tested yet; POST here.")
    job = serializers.IntegerField(allow_null=True, help_text="The newest that tests these runs.")
