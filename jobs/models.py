"""Tables of jobs, of requests with an idempotency key, and of notices about jobs that have ended."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs import registry
from jobs.phases import title_of

LEAST_SECONDS = 3  # of a phase, before its pace says anything


class Job(models.Model):
    """A background job. Only conditional UPDATEs in services, sweeper, context and failures change its state."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Queue(models.TextChoices):
        WORK = "work"
        INDEX = "index"
        TRAIN = "train"

    ACTIVE: ClassVar = (State.QUEUED, State.RUNNING)
    FINISHED: ClassVar = (State.SUCCEEDED, State.FAILED, State.CANCELLED)

    kind = models.CharField(max_length=60)
    payload = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=10, choices=Queue.choices, default=Queue.WORK)
    key = models.CharField(
        max_length=200, blank=True, default="", help_text="Key that at most one active job may have."
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    retried_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Account that retried the job last and is responsible for it; null: the owner is.",
    )

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0, help_text="Number of claims; never falls.")
    tries = models.PositiveIntegerField(
        default=0, help_text="Claims since the last retry, without interrupted ones; at most max_attempts."
    )
    max_attempts = models.PositiveIntegerField(default=3)
    cancel_asked = models.BooleanField(default=False)

    phase = models.CharField(max_length=100, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0, help_text="Number of steps of the phase; 0 if unknown.")
    phase_started_at = models.DateTimeField(null=True, blank=True, help_text="Start of the phase, for the time left.")
    message = models.CharField(max_length=500, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    refused_input = models.BooleanField(
        default=False, help_text="Whether it failed because of its input, so that the same input fails again."
    )

    ran_on = models.JSONField(
        null=True,
        blank=True,
        help_text="Where its last attempt ran: host, device (GPU or processor) and versions; null before the first.",
    )

    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Until when a job waits for a service that was away; a message may come earlier.",
    )
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "queue", "created_at"], name="job_by_state"),
            models.Index(fields=["owner", "-id"], name="job_by_owner"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=Q(state__in=("queued", "running")) & ~Q(key=""), name="one_active_job_a_key"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("queued", "running", "succeeded", "failed", "cancelled")),
                name="job_state_known",
            ),
            models.CheckConstraint(condition=Q(queue__in=("work", "index", "train")), name="job_queue_known"),
            models.CheckConstraint(condition=Q(max_attempts__gte=1), name="job_may_be_tried"),
            models.CheckConstraint(
                condition=Q(state__in=("queued", "running"), finished_at__isnull=True)
                | Q(state__in=("succeeded", "failed", "cancelled"), finished_at__isnull=False),
                name="job_finished_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(heartbeat_at__isnull=False, attempt__gte=1),
                name="job_running_has_a_heartbeat",
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.pk} ({self.kind}, {self.state})"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def asked_by_id(self) -> int | None:
        """The key of the account that is responsible: the last to retry it, or its owner; None is the system."""
        return self.retried_by_id or self.owner_id

    @property
    def percent(self) -> int | None:
        """Progress of the phase, 0 to 100; None if the total is unknown."""
        return min(100, 100 * self.done // self.total) if self.total else None

    def seconds_left(self, now: datetime) -> float | None:
        """Return the estimated seconds to the end of its phase; None while too little is known."""
        if self.state != self.State.RUNNING or not self.phase_started_at or not 0 < self.done < self.total:
            return None
        passed = (now - self.phase_started_at).total_seconds()
        return passed / self.done * (self.total - self.done) if passed >= LEAST_SECONDS else None

    @property
    def title(self) -> str:
        """What people call such work."""
        kind = registry.KINDS.get(self.kind)
        return kind.title if kind else self.kind

    @property
    def phase_title(self) -> str:
        """What it is doing, in words; empty once it has ended."""
        return title_of(self.phase) if self.is_active and self.phase else ""

    @property
    def can_be_retried(self) -> bool:
        """Whether a retry can help: it has not succeeded, and its input is not what was wrong."""
        return self.state in (self.State.FAILED, self.State.CANCELLED) and not self.refused_input


class IdempotentRequest(models.Model):
    """A request with an Idempotency-Key, and the response that a repetition gets."""

    who = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["who", "key"], name="one_request_a_key")]

    def __str__(self) -> str:
        return f"{self.key} of {self.who_id}"


class Notice(models.Model):
    """What a person is told about work of theirs that has ended; several jobs may share one."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    who = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=200, help_text="Key of the work that has ended; a person has one notice of it.")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    title = models.CharField(max_length=300)
    detail = models.TextField(blank=True, help_text="Why it failed, or what came of it.")
    url = models.CharField(max_length=300, help_text="Page of the work.")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["who", "key"], name="one_notice_a_person_and_key")]
        indexes = [models.Index(fields=["who", "read_at"], name="notice_unread")]

    def __str__(self) -> str:
        return self.title
