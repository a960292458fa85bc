"""Experiments over the API, for curators: from the estimate to the report."""

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
from retrieval.experiments.filters import ExperimentFilter
from retrieval.experiments.report_files import report_file
from retrieval.experiments.serializers import (
    CancelledSerializer,
    EstimateSerializer,
    ExperimentSerializer,
    NewExperimentSerializer,
    NewReportSerializer,
    WishSerializer,
)
from retrieval.experiments.services import cancelling, choosing, reports, starting
from retrieval.experiments.services.report_downloads import visible_reports
from retrieval.models import Experiment
from retrieval.registry.services import published

REPORT = {
    "title": "Two losses",
    "figures": ["recall_at_1", "map_at_r"],
    "rows": [{"name": "soft_triple", "title": "SoftTriple", "figures": {"map_at_r": {"mean": 0.42, "sd": 0.01}}}],
    "pairs": {"map_at_r": []},
    "unfairness": [],
    "failed": {},
    "missing": [],
}
EXAMPLE = OpenApiExample("The beginning of it", REPORT)


class ExperimentViewSet(VersionedViewSet, ReadOnlyModelViewSet[Experiment]):
    """Runs that share a data set and a protocol, and differ in loss, its parameters, seed and fold only."""

    serializer_class = ExperimentSerializer
    queryset = published.experiments()
    filterset_class = ExperimentFilter
    lookup_value_regex = KEY

    def get_permissions(self) -> list[BasePermission]:
        """Let members keep the reports of what is published."""
        return [IsAuthenticated() if self.action == "report_file" else IsCurator()]

    def get_queryset(self) -> QuerySet[Experiment]:
        return visible_reports(self.request.user) if self.action == "report_file" else super().get_queryset()

    @extend_schema(request=NewExperimentSerializer, responses={202: ExperimentSerializer})
    @may_answer(409)
    @idempotent
    def create(self, request: Request) -> Response:
        """Start an experiment: a job for each run."""
        values = self._wanted(NewExperimentSerializer)
        experiment = starting.start_experiment(**values, by=signed_in(request))
        return self.shown(experiment, status.HTTP_202_ACCEPTED, self._followed(experiment))

    @extend_schema(
        operation_id="experiments_estimate",
        request=WishSerializer,
        responses={200: EstimateSerializer, 202: JobSerializer},
    )
    @may_answer(409)
    @action(detail=False, methods=["post"])
    @idempotent
    def estimate(self, request: Request) -> Response:
        """Say how long it would take here; 202 where that must be measured first: ask again after the job."""
        found = starting.estimate_experiment(**self._wanted(WishSerializer), by=signed_in(request))
        return accepted(found, request) if isinstance(found, Job) else Response(EstimateSerializer(found).data)

    @extend_schema(request=None, responses={202: CancelledSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel whatever of it is queued or running: runs, and the tuning that would bring more."""
        experiment = self.get_object()
        cancelled = cancelling.cancel_experiment(experiment, by=signed_in(request))
        headers = self._followed(experiment)
        return Response({"cancelled": cancelled}, status=status.HTTP_202_ACCEPTED, headers=headers)

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT}, examples=[EXAMPLE])
    @action(detail=True)
    def report(self, request: Request, pk: str) -> Response:
        """Give the newest report: rows, paired tests, known unfair practices, protocol, curves, cost."""
        experiment = self.get_object()
        document = reports.document_of(experiment)
        if document is None:
            raise NotFound(f"{experiment.name} has no report yet; make one by POST")
        return Response(document)

    @extend_schema(operation_id="experiments_make_report", request=NewReportSerializer, responses={202: JobSerializer})
    @may_answer(409)
    @report.mapping.post
    @idempotent
    def make_report(self, request: Request, pk: str) -> Response:
        """Queue the making of the report from the runs that are finished now."""
        form = NewReportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        job = reports.submit_report(self.get_object(), also=form.validated_data["also"], by=signed_in(request))
        return accepted(job, request)

    @extend_schema(
        operation_id="experiments_report_file",
        parameters=[OpenApiParameter("suffix", str, OpenApiParameter.PATH, enum=list(reports.FORMATS))],
        responses={
            (200, media): OpenApiTypes.OBJECT if suffix == "json" else OpenApiTypes.STR
            for suffix, media in reports.FORMATS.items()
        },
        examples=[EXAMPLE],
    )
    @action(
        detail=True,
        url_path=r"report/(?P<suffix>[a-z]+)",
        url_name="report-file",
        content_negotiation_class=AnyAcceptNegotiation,
    )
    def report_file(self, request: Request, pk: str, suffix: str) -> FileResponse:
        """Give the newest report as a file: html, md, tex, csv or json."""
        return report_file(self.get_object(), suffix)

    def _wanted(self, kind: type[WishSerializer]) -> dict[str, Any]:
        """Return what the body asks for, with its protocol in place of preset and changes."""
        form = kind(data=self.request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        values: dict[str, Any] = form.validated_data
        protocol = choosing.make_protocol(values.pop("preset"), values.pop("changes"), values["weights"])
        return {**values, "protocol": protocol}

    def _followed(self, experiment: Experiment) -> dict[str, str]:
        where = reverse("api-experiment-detail", args=[experiment.pk], request=self.request)
        return {"Location": where, "Retry-After": POLL_SECONDS}
