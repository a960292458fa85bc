"""What the site does right now, over the API, for admins."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import IsAdmin
from jobs.models import Job
from operations.models import Process
from operations.services.overview import overview

VERSIONS = {"kindred": "0.2.0", "python": "3.11.2", "torch": "2.13.0"}
OVERVIEW = {
    "at": "2026-05-04T09:30:00Z",
    "release": "0.2.0",
    "checks": {"database": "ok", "storage": "ok", "engine": "ok", "broker": "ok"},
    "services": {"database": "postgresql", "queue": "redis", "storage": "s3"},
    "queues": [
        {
            "name": "train",
            "waiting": 1,
            "running": 1,
            "failed": 0,
            "waiting_since": "2026-05-04T09:12:00Z",
            "workers": 1,
        }
    ],
    "running": [
        {
            "id": 12,
            "kind": "train",
            "queue": "train",
            "attempt": 1,
            "phase": "epoch 3",
            "ran_on": {"host": "gpu-1", "device": "NVIDIA L4", "versions": VERSIONS},
            "started_at": "2026-05-04T09:20:00Z",
            "heartbeat_at": "2026-05-04T09:29:58Z",
        }
    ],
    "processes": [
        {
            "role": "worker",
            "host": "gpu-1",
            "pid": 4711,
            "queues": ["train"],
            "device": "NVIDIA L4",
            "versions": VERSIONS,
            "engine_bytes": 0,
            "started_at": "2026-05-04T08:00:00Z",
            "seen_at": "2026-05-04T09:29:50Z",
        }
    ],
    "silent": [],
    "volume_bytes": 270000000000,
    "volume_free_bytes": 80000000000,
    "slow_searches": [{"at": "2026-05-04T09:01:00Z", "models": 2, "took_ms": 812.5}],
}


class QueueSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    waiting = serializers.IntegerField(help_text="Queued jobs.")
    running = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Failed jobs that nobody has retried.")
    waiting_since = serializers.DateTimeField(
        allow_null=True, help_text="When the oldest job was created that no worker has tried yet."
    )
    workers = serializers.IntegerField(help_text="Workers that serve it now.")


class RunningJobSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = ("id", "kind", "queue", "attempt", "phase", "ran_on", "started_at", "heartbeat_at")
        read_only_fields = fields


class ProcessSerializer(serializers.ModelSerializer[Process]):
    class Meta:
        model = Process
        fields = ("role", "host", "pid", "queues", "device", "versions", "engine_bytes", "started_at", "seen_at")
        read_only_fields = fields


class SlowSearchSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    models = serializers.IntegerField()
    took_ms = serializers.FloatField(help_text="Of all models together, embeddings included.")


@extend_schema_serializer(examples=[OpenApiExample("A site with one GPU", OVERVIEW)])
class OverviewSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    release = serializers.CharField(help_text="Of the host that answers.")
    checks = serializers.DictField(child=serializers.CharField(), help_text="Those of `/readyz`: `ok` or `failed`.")
    services = serializers.DictField(child=serializers.CharField(), help_text="The engine of each service.")
    queues = QueueSerializer(many=True)
    running = RunningJobSerializer(many=True, help_text="Running jobs, the oldest heartbeat first.")
    processes = ProcessSerializer(many=True, help_text="Processes that were there a minute ago.")
    silent = ProcessSerializer(many=True, help_text="Processes of the last day that went silent.")
    volume_bytes = serializers.IntegerField(help_text="Of the volume of KINDRED_VAR on the host that answers.")
    volume_free_bytes = serializers.IntegerField()
    slow_searches = SlowSearchSerializer(
        many=True, help_text="The slowest searches of the last day, among the newest 5,000 rankings."
    )


class OperationsView(APIView):
    """What the site does right now."""

    permission_classes = (IsAdmin,)

    @extend_schema(operation_id="operations_retrieve", responses={200: OverviewSerializer})
    def get(self, request: Request) -> Response:
        """Return queues, processes, running jobs, storage and slow searches."""
        return Response(OverviewSerializer(overview()).data)
