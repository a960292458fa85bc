"""API of experiments, for curators: from the estimate to the report."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import IsCurator, signed_in
from config.api.schema import may_answer
from config.api.views import KEY, AnyAcceptNegotiation, VersionedViewSet
from jobs.api import POLL_SECONDS, JobSerializer, accepted
from jobs.idempotency import idempotent
from jobs.models import Job
from retrieval.experiments.attachments import report_file
from retrieval.experiments.filters import ExperimentFilter
from retrieval.experiments.serializers import (
    CancelledSerializer,
    EstimateSerializer,
    ExperimentPlanSerializer,
    ExperimentSerializer,
    NewExperimentSerializer,
    NewReportSerializer,
)
from retrieval.experiments.services import cancelling, options, queries, reports, starting
from retrieval.experiments.services.report_downloads import visible_reports
from retrieval.experiments.services.weights import file_of
from retrieval.models import Experiment
from retrieval.registry.filters import without_archived
from retrieval.registry.services import deleting

REPORT = {
    "title": "Two losses",
    "metrics": ["recall_at_1", "map_at_r"],
    "rows": [{"name": "soft_triple", "title": "SoftTriple", "metrics": {"map_at_r": {"mean": 0.42, "sd": 0.01}}}],
    "pairs": {"map_at_r": []},
    "fairness_checks": [],
    "failed": {},
    "missing": [],
}
EXAMPLE = OpenApiExample("Excerpt", REPORT)
REPORT_TYPES = {"json": OpenApiTypes.OBJECT, "png": OpenApiTypes.BINARY}


class ExperimentViewSet(VersionedViewSet, ReadOnlyModelViewSet[Experiment]):
    """Runs that share a data set and a protocol, and differ in loss, its parameters, seed and fold only."""

    serializer_class = ExperimentSerializer
    queryset = queries.every_experiment()
    filterset_class = ExperimentFilter
    lookup_value_regex = KEY

    def get_permissions(self) -> list[BasePermission]:
        """Let members download the reports of published models."""
        return [IsAuthenticated() if self.action == "report_file" else IsCurator()]

    def get_queryset(self) -> QuerySet[Experiment]:
        if self.action == "report_file":
            return visible_reports(self.request.user)
        experiments = super().get_queryset()
        return without_archived(experiments, self.request) if self.action == "list" else experiments

    @extend_schema(request=NewExperimentSerializer, responses={202: ExperimentSerializer})
    @may_answer(409)
    @idempotent
    def create(self, request: Request) -> Response:
        """Start an experiment: one job per run."""
        values = self._plan(NewExperimentSerializer)
        experiment = starting.start_experiment(**values, by=signed_in(request))
        return self.shown(experiment, status.HTTP_202_ACCEPTED, self._poll_headers(experiment))

    @extend_schema(
        operation_id="experiments_estimate",
        request=ExperimentPlanSerializer,
        responses={200: EstimateSerializer, 202: JobSerializer},
    )
    @may_answer(409)
    @action(detail=False, methods=["post"])
    @idempotent
    def estimate(self, request: Request) -> Response:
        """Estimate the time. 202 if the speed must be measured first: repeat the request after that job."""
        estimate = starting.estimate_experiment(**self._plan(ExperimentPlanSerializer), by=signed_in(request))
        return accepted(estimate, request) if isinstance(estimate, Job) else Response(EstimateSerializer(estimate).data)

    @extend_schema(request=None, responses={202: CancelledSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel all queued and running jobs of the experiment: runs and tunings."""
        experiment = self.get_object()
        cancelled = cancelling.cancel_experiment(experiment, by=signed_in(request))
        headers = self._poll_headers(experiment)
        return Response({"cancelled": cancelled}, status=status.HTTP_202_ACCEPTED, headers=headers)

    @extend_schema(request=None, responses={202: JobSerializer})
    @may_answer(409)
    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        """Queue the deletion of an experiment with its runs, models and report; 409 if jobs, ratings or marks use it.

        Searches stay without the results of its models. If people rated or marked results, archive it instead.
        """
        return accepted(deleting.submit_deletion(self.get_object(), by=signed_in(request)), request)

    @extend_schema(request=None, responses=ExperimentSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """Archive the experiment: its models are unpublished, lists leave it out, and its results stay."""
        experiment = self.get_object()
        deleting.archive(experiment, by=signed_in(request))
        return self.shown(self.find())

    @extend_schema(request=None, responses=ExperimentSerializer)
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Restore an archived experiment; its models stay unpublished."""
        experiment = self.get_object()
        deleting.restore(experiment, by=signed_in(request))
        return self.shown(self.find())

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT}, examples=[EXAMPLE])
    @action(detail=True)
    def report(self, request: Request, pk: str) -> Response:
        """Get the newest report: rows, statistical tests, fairness checks, protocol, curves, costs."""
        experiment = self.get_object()
        document = reports.document_of(experiment)
        if document is None:
            raise NotFound(f"{experiment.name} has no report yet; create one by POST")
        return Response(document)

    @extend_schema(operation_id="experiments_make_report", request=NewReportSerializer, responses={202: JobSerializer})
    @may_answer(409)
    @report.mapping.post
    @idempotent
    def make_report(self, request: Request, pk: str) -> Response:
        """Queue a job that creates the report from the runs finished now."""
        form = NewReportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        job = reports.submit_report(
            self.get_object(), included=form.validated_data["external_models"], by=signed_in(request)
        )
        return accepted(job, request)

    @extend_schema(
        operation_id="experiments_report_file",
        parameters=[OpenApiParameter("suffix", str, OpenApiParameter.PATH, enum=list(reports.FILES))],
        responses={(200, media): REPORT_TYPES.get(suffix, OpenApiTypes.STR) for suffix, media in reports.FILES.items()},
        examples=[EXAMPLE],
    )
    @action(
        detail=True,
        url_path=r"report/(?P<suffix>[a-z]+)",
        url_name="report-file",
        content_negotiation_class=AnyAcceptNegotiation,
    )
    def report_file(self, request: Request, pk: str, suffix: str) -> FileResponse:
        """Download the newest report: html, md, tex, csv or json; or its chart for a slide: svg or png."""
        return report_file(self.get_object(), suffix)

    def _plan(self, kind: type[ExperimentPlanSerializer]) -> dict[str, Any]:
        """Return the valid body, with the protocol in place of preset and changes."""
        form = kind(data=self.request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = form.validated_data
        protocol = options.make_protocol(values.pop("preset"), values.pop("changes"), values["weights"])
        return {**values, "protocol": protocol, "weights": file_of(values["weights"])}

    def _poll_headers(self, experiment: Experiment) -> dict[str, str]:
        where = reverse("api-experiment-detail", args=[experiment.pk], request=self.request)
        return {"Location": where, "Retry-After": POLL_SECONDS}
