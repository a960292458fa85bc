"""API of runs, for curators: state, curves and log of each, and comparisons of several."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import IsCurator, signed_in
from config.api.schema import may_answer
from config.api.views import KEY, VersionedViewSet
from jobs.api import JobSerializer, accepted
from jobs.idempotency import idempotent
from retrieval.experiments.filters import RunFilter
from retrieval.experiments.run_serializers import (
    ComparisonSerializer,
    CurvesSerializer,
    LogSerializer,
    RunSerializer,
    RunsToCompareSerializer,
    RunsToTestSerializer,
)
from retrieval.experiments.services import comparing, queries
from retrieval.experiments.services import curves as curves_services
from retrieval.models import Run
from retrieval.registry.services import deleting


class RunViewSet(VersionedViewSet, ReadOnlyModelViewSet[Run]):
    """Trainings: one loss, one seed, one fold."""

    serializer_class = RunSerializer
    permission_classes = (IsCurator,)
    queryset = queries.every_run()
    filterset_class = RunFilter
    page_order = ("-id",)
    lookup_value_regex = KEY

    @extend_schema(request=None, responses={202: JobSerializer})
    @may_answer(409)
    @idempotent
    def destroy(self, request: Request, pk: str) -> Response:
        """Queue the deletion of a run with its model; 409 if jobs, ratings or marks use it."""
        return accepted(deleting.submit_deletion(self.get_object(), by=signed_in(request)), request)

    @extend_schema(responses=CurvesSerializer)
    @action(detail=True)
    def curves(self, request: Request, pk: str) -> Response:
        """Get the curves: values after each epoch. Empty until the first epoch has finished."""
        return Response(curves_services.curves_of([self.get_object()]))

    @extend_schema(responses=LogSerializer)
    @action(detail=True)
    def log(self, request: Request, pk: str) -> Response:
        """Get the last lines of the log, during the run and afterwards."""
        return Response({"lines": self.get_object().log.splitlines()})

    @extend_schema(parameters=[RunsToCompareSerializer], responses=ComparisonSerializer, filters=False)
    @action(detail=False, pagination_class=None, filterset_class=None)
    def compare(self, request: Request) -> Response:
        """Compare runs: metrics, differences of their protocols, and statistical tests if there are any."""
        form = RunsToCompareSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        return Response(ComparisonSerializer(_side_by_side(_chosen("run", form.validated_data["run"]))).data)

    @extend_schema(operation_id="runs_test", request=RunsToTestSerializer, responses={202: JobSerializer})
    @may_answer(409)
    @compare.mapping.post
    @idempotent
    def test(self, request: Request) -> Response:
        """Queue paired tests of every two of the runs; `compare` has the result when the job is done."""
        form = RunsToTestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        runs = _chosen("runs", form.validated_data["runs"])
        return accepted(comparing.submit_test(runs, by=signed_in(request)), request)


def _chosen(field: str, keys: Sequence[int]) -> list[Run]:
    """Return the runs of these keys, in that order.

    Raises:
        ValidationError: there is none of a key; it names the field.
    """
    runs = queries.every_run().in_bulk(keys)
    for key in keys:
        if key not in runs:
            raise ValidationError({field: f"there is no run {key}"})
    return [runs[key] for key in dict.fromkeys(keys)]


def _side_by_side(runs: Sequence[Run]) -> dict[str, Any]:
    comparison, job = comparing.compared(runs), comparing.test_of(runs)
    titled = [{"id": run.pk, "title": title} for run, title in zip(runs, comparison["titles"], strict=True)]
    return {**comparison, "runs": titled, "tests": comparing.tests_by_run(job), "job": job.pk if job else None}
