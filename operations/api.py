"""What the site does right now, over the API, for admins."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import IsAdmin
from jobs.models import Job
from operations.models import Process
from operations.services.overview import overview


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
