"""Losses, experiments and models over the API."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from accounts.permissions import IsCurator, signed_in
from jobs.api import JobSerializer, accepted
from retrieval.datasets.api import VisibleDatasetField
from retrieval.diagnostics import services as diagnostics
from retrieval.experiments import services
from retrieval.indexes.services import submit_index
from retrieval.models import Experiment, Model, Run, Tuning
from retrieval.outside import services as outside
from retrieval.refusals import RefusalsAsProblems
from retrieval.reports import services as reports
from retrieval.reports.files import report_file


class RunSerializer(serializers.ModelSerializer[Run]):
    state = serializers.CharField(read_only=True)
    model: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)

    class Meta:
        model = Run
        fields = (
            "id", "loss", "params", "tuned", "changes", "seed", "fold", "state", "job", "history", "metrics", "model",
        )  # fmt: skip
        read_only_fields = fields


class TuningSerializer(serializers.ModelSerializer[Tuning]):
    state = serializers.CharField(read_only=True)

    class Meta:
        model = Tuning
        fields = ("id", "loss", "state", "job", "trials")
        read_only_fields = fields


class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    runs = RunSerializer(many=True, read_only=True)
    tunings = TuningSerializer(many=True, read_only=True)

    class Meta:
        model = Experiment
        fields = (
            "id", "name", "dataset", "protocol", "weights", "tuning", "publish", "runs", "tunings", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class NewExperimentSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    dataset = VisibleDatasetField()
    preset = serializers.CharField()
    changes = serializers.DictField(
        child=serializers.CharField(), required=False, default=dict, help_text="Fields of the protocol to change."
    )
    losses = serializers.ListField(child=serializers.CharField(), min_length=1)
    params = serializers.DictField(
        child=serializers.DictField(), required=False, default=dict, help_text="Own parameters by loss."
    )
    seeds = serializers.ListField(
        child=serializers.IntegerField(min_value=0), min_length=1, max_length=20, required=False, default=[0]
    )
    weights = serializers.CharField(required=False, default="", allow_blank=True)
    trials = serializers.IntegerField(
        min_value=0,
        max_value=services.MOST_TRIALS,
        required=False,
        default=0,
        help_text="Of each loss's tuning; 0 tunes nothing.",
    )
    validation_classes = serializers.IntegerField(
        min_value=0, required=False, default=0, help_text="Training classes that trials are measured on."
    )
    publish = serializers.BooleanField(required=False, default=True)


class ModelSerializer(serializers.ModelSerializer[Model]):
    metrics = serializers.JSONField(read_only=True)
    experiment = serializers.IntegerField(source="run.experiment_id", read_only=True, allow_null=True, default=None)

    class Meta:
        model = Model
        fields = (
            "id", "name", "loss", "dataset", "experiment", "dim", "published", "has_network", "licence",
            "weights_sha256", "metrics", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class NewModelSerializer(serializers.Serializer[Any]):
    """Give weights and description, or embeddings and images."""

    dataset = VisibleDatasetField()
    name = serializers.CharField(max_length=160, required=False, default="", allow_blank=True)
    weights = serializers.FileField(required=False, default=None, help_text=".onnx or .safetensors")
    description = serializers.FileField(required=False, default=None, help_text="The .json of the weights.")
    embeddings = serializers.FileField(required=False, default=None, help_text=".npy, one row a picture.")
    images = serializers.FileField(required=False, default=None, help_text="CSV with a column path or sha256.")


class ReportSerializer(serializers.Serializer[Any]):
    also = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        default=list,
        help_text="Models from outside to show as rows.",
    )


class LossView(APIView):
    """Every loss with its family, paper, idea and parameters."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """List the losses and the two rows that are not trained."""
        return Response(services.loss_table())


class ExperimentViewSet(RefusalsAsProblems, ListModelMixin, RetrieveModelMixin, GenericViewSet[Experiment]):
    """Experiments, for curators."""

    serializer_class = ExperimentSerializer
    permission_classes = (IsCurator,)
    queryset = services.experiments()
    lookup_value_regex = r"\d+"

    @extend_schema(request=NewExperimentSerializer, responses={202: ExperimentSerializer})
    def create(self, request: Request) -> Response:
        """Start an experiment: a job for each run."""
        form = NewExperimentSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values = form.validated_data
        protocol = services.make_protocol(values.pop("preset"), values.pop("changes"), values["weights"])
        experiment = services.start_experiment(**values, protocol=protocol, by=signed_in(request))
        where = reverse("api-experiment-detail", args=[experiment.pk], request=request)
        body = self.get_serializer(experiment).data
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": where})

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    @action(detail=True, methods=["get"])
    def report(self, request: Request, pk: str) -> Response:
        """Give the newest report: rows, paired tests, known unfair practices, protocol, curves, cost."""
        experiment = self.get_object()
        document = reports.document_of(experiment)
        if document is None:
            raise NotFound(f"{experiment.name} has no report yet; make one by POST")
        return Response(document)

    @extend_schema(request=ReportSerializer, responses={202: JobSerializer})
    @report.mapping.post
    def make_report(self, request: Request, pk: str) -> Response:
        """Queue the making of the report from the runs that are finished now."""
        form = ReportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        job = reports.submit_report(self.get_object(), also=form.validated_data["also"], by=signed_in(request))
        return accepted(job, request)

    @extend_schema(
        operation_id="experiments_report_file",
        parameters=[OpenApiParameter("suffix", str, OpenApiParameter.PATH, enum=list(reports.FORMATS))],
        responses={(200, media): OpenApiTypes.STR for media in reports.FORMATS.values()},
    )
    @action(detail=True, url_path=r"report/(?P<suffix>[a-z]+)", url_name="report-file")
    def report_file(self, request: Request, pk: str, suffix: str) -> FileResponse:
        """Give the newest report as a file: html, md, tex, csv or json."""
        return report_file(self.get_object(), suffix)


class ModelViewSet(RefusalsAsProblems, ReadOnlyModelViewSet[Model]):
    """Models: members see the published ones, curators all and may bring some from outside."""

    serializer_class = ModelSerializer
    parser_classes = (JSONParser, MultiPartParser, FormParser)
    queryset = Model.objects.none()
    filterset_fields = ("dataset", "loss", "published")
    lookup_value_regex = r"\d+"

    def get_permissions(self) -> list[BasePermission]:
        return [IsCurator()] if self.request.method == "POST" else [IsAuthenticated()]

    def get_queryset(self) -> QuerySet[Model]:
        return services.visible_models(self.request.user)

    @extend_schema(request=NewModelSerializer, responses={202: JobSerializer})
    def create(self, request: Request) -> Response:
        """Bring a model from outside: weights with their JSON, or embeddings with their CSV (multipart)."""
        form = NewModelSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return accepted(outside.submit_model(**form.validated_data, by=signed_in(request)), request)

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    @action(detail=True)
    def diagnostics(self, request: Request, pk: str) -> Response:
        """Give what was noted of each held-out class, of the worst queries with their answers, and of hubs."""
        model = self.get_object()
        details = diagnostics.details_of(model)
        if details is None:
            raise NotFound(f"{model.name} was made before diagnostics were kept; train it again")
        return Response(details)

    @extend_schema(request=None, responses={200: ModelSerializer})
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        """Let people search with the model."""
        return self._set_published(True)

    @extend_schema(request=None, responses={200: ModelSerializer})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take the model out of search; its votes and rankings stay."""
        return self._set_published(False)

    def _set_published(self, published: bool) -> Response:
        model = self.get_object()
        services.set_published(model, published, by=signed_in(self.request))
        model.refresh_from_db()
        return Response(self.get_serializer(model).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def index(self, request: Request, pk: str) -> Response:
        """Queue the rebuild of the model's index."""
        return accepted(submit_index(self.get_object(), by=signed_in(request)), request)
