"""Serializers of runs: one run, its curves and log, and the comparison of several."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from config.api.fields import KeyField
from config.api.strict import StrictSerializer
from jobs.models import Job
from retrieval.experiments.services.comparing import FEWEST, MOST
from retrieval.models import Run
from retrieval.registry.serializers import MetricsField

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
    "low": -0.031,
    "high": 0.007,
    "p": None,
    "p_adjusted": None,
    "seeds": 1,
    "conclusion": "one seed",
}
COMPARISON = {
    "runs": [{"id": 4, "title": "SoftTriple (seed 0)"}, {"id": 5, "title": "Multi-Similarity (seed 0)"}],
    "metrics": [{"name": "MAP@R", "cells": [{"value": 0.42, "low": 0.38, "high": 0.46}, None]}],
    "protocol": [{"name": "loss", "values": ["soft_triple", "multi_similarity"], "differs": True}],
    "differing": ["loss"],
    "warnings": [],
    "tests": [{"metric": "map_at_r", "title": "MAP@R", "queries": 240, "classes": 40, "pairs": [PAIR]}],
    "job": 19,
}


@extend_schema_serializer(examples=[OpenApiExample("A finished run", RUN)])
class RunSerializer(serializers.ModelSerializer[Run]):
    dataset = serializers.IntegerField(source="experiment.dataset_id", read_only=True)
    params = serializers.DictField(read_only=True, help_text="Loss parameters; the paper's defaults unless overridden.")
    changes = serializers.DictField(read_only=True, help_text="Fields of the protocol that tuning changed.")
    state = serializers.ChoiceField(choices=Job.State.choices, read_only=True)
    history = serializers.ListField(child=serializers.DictField(), read_only=True, help_text="One event per epoch.")
    metrics = MetricsField()
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
    color = serializers.IntegerField(help_text="Number of its colour on the site, 0 to 7.")
    state = serializers.ChoiceField(choices=Job.State.choices)
    loss = CurveField(help_text="Points [epoch, mean training loss].")
    recall = CurveField(
        help_text="Points [epoch, Recall@1 of the validation classes in percent]; empty without such classes."
    )
    speed = CurveField(help_text="Points [epoch, pictures per second].")


@extend_schema_serializer(examples=[OpenApiExample("Two epochs", CURVES)])
class CurvesSerializer(serializers.Serializer[Any]):
    active = serializers.BooleanField(help_text="true while a run is queued or running.")
    runs = CurvesOfRunSerializer(many=True)


@extend_schema_serializer(
    examples=[OpenApiExample("Two lines", {"lines": ["09:30:02 train begins", "09:30:41 epoch 1 of 5: loss 1.2345"]})]
)
class LogSerializer(serializers.Serializer[Any]):
    """The last lines of a training, the newest at the end."""

    lines = serializers.ListField(child=serializers.CharField())


class RunsToCompareSerializer(StrictSerializer):
    run = serializers.ListField(
        child=KeyField(),
        min_length=FEWEST,
        max_length=MOST,
        help_text="Id of a run. Repeat for each run: ?run=4&run=5.",
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
    """One cell per run, null if the metric is missing."""

    child = CellSerializer()


class MetricValuesSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    cells = CellsField(help_text="One value per run with its 95 % interval; null if it is missing.")


class ProtocolFieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    values = serializers.ListField(help_text="Value in each run.")
    differs = serializers.BooleanField()


class PairSerializer(serializers.Serializer[Any]):
    first = serializers.IntegerField(help_text="Id of a run.")
    second = serializers.IntegerField(help_text="Id of the run it is compared with.")
    difference = serializers.FloatField(help_text="Metric of first minus that of second, a fraction of 1.")
    low = serializers.FloatField(
        allow_null=True,
        help_text="Lower end of the 95 % interval of the difference over queries and classes, for these trainings; "
        "null in results of earlier releases.",
    )
    high = serializers.FloatField(allow_null=True, help_text="Upper end of that interval.")
    p = serializers.FloatField(
        allow_null=True, help_text="p-value of this pair alone; null where a trained run has one seed."
    )
    p_adjusted = serializers.FloatField(
        allow_null=True, help_text="p-value corrected for all pairs together; null where a trained run has one seed."
    )
    seeds = serializers.IntegerField(help_text="Number of trainings of each.")
    conclusion = serializers.CharField(
        help_text="better, worse or cannot tell, at 5 %; one seed: no conclusion from single trainings."
    )


class PairedTestSerializer(serializers.Serializer[Any]):
    metric = serializers.CharField()
    title = serializers.CharField()
    queries = serializers.IntegerField()
    classes = serializers.IntegerField()
    pairs = PairSerializer(many=True)


@extend_schema_serializer(examples=[OpenApiExample("Two runs", COMPARISON)])
class ComparisonSerializer(serializers.Serializer[Any]):
    """Runs side by side, in the order of the request."""

    runs = NamedRunSerializer(many=True)
    metrics = MetricValuesSerializer(many=True)
    protocol = ProtocolFieldSerializer(many=True, help_text="All fields, those that differ first.")
    differing = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Reasons why the comparison is unfair.")
    tests = PairedTestSerializer(
        many=True, allow_null=True, help_text="Statistical tests; null until a POST here has tested the runs."
    )
    job = serializers.IntegerField(allow_null=True, help_text="Id of the newest job that tests these runs.")
