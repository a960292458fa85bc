"""Jobs over the API, and how other endpoints answer that they have started one."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters  # type: ignore[import-untyped]
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import signed_in
from config.problems import Conflict
from jobs import services
from jobs.errors import JobRefused
from jobs.models import Job

POLL_SECONDS = "2"


class JobSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = (
            "id", "kind", "queue", "state", "attempt", "cancel_asked", "phase", "done", "total", "message",
            "result", "error", "owner", "created_at", "started_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields


class JobFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter(choices=Job.State.choices)
    kind = filters.CharFilter()

    class Meta:
        model = Job
        fields = ("state", "kind")


class JobViewSet(ReadOnlyModelViewSet[Job]):
    """Long work: one's own jobs; curators see all."""

    serializer_class = JobSerializer
    filterset_class = JobFilter
    queryset = Job.objects.none()  # for the schema; each request gets its own
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[Job]:
        return services.visible_jobs(self.request.user)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give one job, with `Retry-After` while it is active."""
        job = self.get_object()
        headers = {"Retry-After": POLL_SECONDS} if job.is_active else None
        return Response(self.get_serializer(job).data, headers=headers)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a queued job, or ask a running one to stop."""
        job = self.get_object()
        try:
            services.request_cancel(job, by=signed_in(request))
        except JobRefused as error:
            raise Conflict(str(error)) from None
        return accepted(job, request)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed or cancelled job again."""
        job = self.get_object()
        try:
            services.retry(job, by=signed_in(request))
        except JobRefused as error:
            raise Conflict(str(error)) from None
        return accepted(job, request)


def accepted(job: Job, request: Request) -> Response:
    """Answer 202 with the job and where to follow it."""
    where = reverse("job-detail", kwargs={"pk": job.pk}, request=request)
    headers = {"Location": where, "Retry-After": POLL_SECONDS}
    return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED, headers=headers)
