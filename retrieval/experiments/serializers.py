"""Serializers of experiments, and the bodies that estimate, start and report them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from config.api.fields import KeyField, NumberOrTextField
from config.api.strict import StrictSerializer
from jobs.models import Job
from retrieval.datasets.api.datasets import VisibleDatasetField
from retrieval.experiments.run_serializers import RUN, RunSerializer
from retrieval.experiments.services.starting import MOST_TRIALS
from retrieval.models import Experiment, Tuning

MOST_SEEDS = 20
PLAN = {
    "dataset": 1,
    "preset": "frozen-features",
    "changes": {"epochs": 30},
    "losses": ["soft_triple", "multi_similarity", "untrained"],
    "params": {"soft_triple": {"gamma": 0.2}},
    "seeds": [0, 1, 2],
}
ESTIMATE = {"seconds": 42.5, "runs": 7, "each": {"soft_triple": 6.1, "multi_similarity": 5.9}, "source": "measured"}
EXPERIMENT = {
    "id": 2,
    "name": "Two losses",
    "dataset": 1,
    "protocol": {"name": "frozen-features (changed)", "epochs": 30, "dim": 512},
    "weights": "",
    "tuning": None,
    "publish": False,
    "estimate": ESTIMATE,
    "runs": [RUN],
    "tunings": [],
    "archived_at": None,
    "created_at": "2026-05-04T09:30:00Z",
}


class TuningSerializer(serializers.ModelSerializer[Tuning]):
    state = serializers.ChoiceField(choices=Job.State.choices, read_only=True)
    trials = serializers.DictField(read_only=True, help_text="Trials and their metrics so far.")

    class Meta:
        model = Tuning
        fields = ("id", "loss", "state", "job", "trials")
        read_only_fields = fields


class BudgetSerializer(serializers.Serializer[Any]):
    trials = serializers.IntegerField(read_only=True)
    validation_classes = serializers.IntegerField(read_only=True)
    folds = serializers.SerializerMethodField(help_text="Class folds that each trial is measured on; 0 = one split.")
    seed = serializers.IntegerField(read_only=True)

    def get_folds(self, budget: dict[str, int]) -> int:
        """Return 0 of budgets stored before there were folds."""
        return budget.get("folds", 0)


@extend_schema_serializer(examples=[OpenApiExample("An estimate", ESTIMATE)])
class EstimateSerializer(serializers.Serializer[Any]):
    """Estimated time of all trainings, one after the other."""

    seconds = serializers.FloatField(read_only=True, help_text="Seconds for all runs.")
    runs = serializers.IntegerField(read_only=True, help_text="Number of runs; a tuning trial counts as one per fold.")
    each = serializers.DictField(child=serializers.FloatField(), read_only=True, help_text="Seconds per run, by loss.")
    # The metaclass takes declared fields away, so this does not hide Field.source.
    source = serializers.CharField(read_only=True, help_text="Source of the estimate: earlier runs, measured or both.")  # type: ignore[assignment]


@extend_schema_serializer(examples=[OpenApiExample("An experiment", EXPERIMENT)])
class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    protocol = serializers.DictField(read_only=True)
    tuning = BudgetSerializer(
        read_only=True, allow_null=True, help_text="Tuning budget of each loss; null = no tuning."
    )
    estimate = EstimateSerializer(
        read_only=True, allow_null=True, help_text="Estimate when the experiment was started; null = none."
    )
    runs = RunSerializer(many=True, read_only=True)
    tunings = TuningSerializer(many=True, read_only=True)

    class Meta:
        model = Experiment
        fields = (
            "id", "name", "dataset", "protocol", "weights", "tuning", "publish", "estimate", "runs", "tunings",
            "archived_at", "created_at",
        )  # fmt: skip
        read_only_fields = fields


@extend_schema_serializer(examples=[OpenApiExample("Two losses and a baseline", PLAN)])
class ExperimentPlanSerializer(StrictSerializer):
    """One protocol, several losses, several seeds."""

    dataset = VisibleDatasetField(pk_field=KeyField())
    preset = serializers.CharField(max_length=80)
    changes = serializers.DictField(
        child=NumberOrTextField(),
        required=False,
        default=dict,
        help_text="Fields of the preset to change; default: none.",
    )
    losses = serializers.ListField(child=serializers.CharField(), min_length=1)
    params = serializers.DictField(
        child=serializers.DictField(child=NumberOrTextField()),
        required=False,
        default=dict,
        help_text="Parameters by loss; default: the papers' values.",
    )
    seeds = serializers.ListField(
        child=serializers.IntegerField(min_value=0), min_length=1, max_length=MOST_SEEDS, required=False, default=[0]
    )
    weights = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="Weights file on the server, or hub:NAME for weights of timm; default: the protocol's own weights.",
    )
    trials = serializers.IntegerField(
        min_value=0,
        max_value=MOST_TRIALS,
        required=False,
        default=0,
        help_text="Tuning trials per loss; 0 = no tuning.",
    )
    validation_classes = serializers.IntegerField(
        min_value=0,
        required=False,
        default=0,
        help_text="In place of tuning folds: number of training classes held out to measure trials on; default 0.",
    )
    tuning_folds = serializers.IntegerField(
        min_value=0,
        required=False,
        allow_null=True,
        default=None,
        help_text="Class folds that each trial is measured on; default 3, or one split (0) with validation_classes or "
        "a protocol with folds.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Two losses and a baseline", {"name": "Two losses", **PLAN, "publish": False})]
)
class NewExperimentSerializer(ExperimentPlanSerializer):
    name = serializers.CharField(max_length=120)
    publish = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Publication of each model as soon as its index is built; default: no, publish it after a look.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Four jobs", {"cancelled": 4})])
class CancelledSerializer(serializers.Serializer[Any]):
    cancelled = serializers.IntegerField(help_text="Number of cancelled jobs.")


@extend_schema_serializer(examples=[OpenApiExample("With an external model", {"external_models": [7]})])
class NewReportSerializer(StrictSerializer):
    external_models = serializers.ListField(
        child=KeyField(), required=False, default=list, help_text="Ids of external models to include as rows."
    )
