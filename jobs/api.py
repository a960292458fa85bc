"""Jobs over the API, and the 202 response of every endpoint that starts one."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters  # type: ignore[import-untyped]
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import ReadOnlyModelViewSet

from accounts.permissions import signed_in
from accounts.roles import is_curator
from config.api.curator_fields import CuratorFieldsMixin
from config.api.schema import may_answer
from config.api.views import KEY, VersionedViewSet
from jobs import services
from jobs.models import Job

POLL_SECONDS = "2"


RUNNING = {
    "id": 12,
    "kind": "train",
    "queue": "train",
    "state": "running",
    "attempt": 1,
    "cancel_requested": False,
    "phase": "epoch 3",
    "done": 40,
    "total": 120,
    "message": "",
    "result": None,
    "error": "",
    "can_be_retried": False,
    "owner": 2,
    "ran_on": {
        "host": "gpu-1",
        "device": "NVIDIA L4",
        "versions": {"kindred": "0.2.0", "python": "3.11.2", "torch": "2.13.0"},
    },
    "created_at": "2026-05-04T09:30:00Z",
    "started_at": "2026-05-04T09:30:02Z",
    "finished_at": None,
}


class RanOnSerializer(serializers.Serializer[Any]):
    host = serializers.CharField(help_text="Name of the host.")
    device = serializers.CharField(help_text="GPU, or processor with its cores.")
    versions = serializers.DictField(child=serializers.CharField(), help_text="Releases by package.")


@extend_schema_serializer(examples=[OpenApiExample("A running job", RUNNING)])
class JobSerializer(CuratorFieldsMixin, serializers.ModelSerializer[Job]):
    curator_fields = {"ran_on": None}  # the names of hosts concern nobody else
    can_be_retried = serializers.BooleanField(
        read_only=True, help_text="Whether a retry may help; not after an error of an uploaded input."
    )
    cancel_requested = serializers.BooleanField(source="cancel_asked", read_only=True)
    ran_on = RanOnSerializer(
        read_only=True, allow_null=True, help_text="Where the last attempt ran; null before it, and for members."
    )

    class Meta:
        model = Job
        fields = (
            "id", "kind", "queue", "state", "attempt", "cancel_requested", "phase", "done", "total", "message",
            "result", "error", "can_be_retried", "owner", "ran_on", "created_at", "started_at", "finished_at",
        )  # fmt: skip
        read_only_fields = fields


class JobFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter(choices=Job.State.choices)
    kind = filters.CharFilter()
    text = filters.CharFilter(
        method="containing",
        max_length=services.TEXT_LENGTH,
        help_text="Text in the title, owner, message or error, or in the name of what the job works on; or its number.",
    )

    class Meta:
        model = Job
        fields = ("state", "kind")

    def containing(self, jobs: QuerySet[Job], name: str, text: str) -> QuerySet[Job]:
        """Keep the jobs that have the text in what a list shows of them."""
        return jobs.filter(services.containing(text, hosts=is_curator(self.request.user)))


class JobViewSet(VersionedViewSet, ReadOnlyModelViewSet[Job]):
    """Background jobs: one's own; curators see all."""

    serializer_class = JobSerializer
    filterset_class = JobFilter
    queryset = Job.objects.none()  # for the schema; each request gets its own
    lookup_value_regex = KEY

    def get_queryset(self) -> QuerySet[Job]:
        return services.visible_jobs(self.request.user)

    def headers_of(self, thing: Job) -> dict[str, str]:
        """Say when to ask again, while the job is active."""
        return {"Retry-After": POLL_SECONDS} if thing.is_active else {}

    @extend_schema(request=None, responses={202: JobSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a queued job, or ask a running one to stop."""
        job = self.get_object()
        services.request_cancel(job, by=signed_in(request))
        return accepted(job, request)

    @extend_schema(request=None, responses={202: JobSerializer})
    @may_answer(409)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Queue a failed or cancelled job again."""
        job = self.get_object()
        services.retry(job, by=signed_in(request))
        return accepted(job, request)


def accepted(job: Job, request: Request) -> Response:
    """Answer 202 with the job and where to follow it."""
    where = reverse("job-detail", kwargs={"pk": job.pk}, request=request)
    headers = {"Location": where, "Retry-After": POLL_SECONDS}
    return Response(
        JobSerializer(job, context={"request": request}).data, status=status.HTTP_202_ACCEPTED, headers=headers
    )
