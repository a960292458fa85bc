"""The table of the processes that run the site."""

from django.db import models


class Process(models.Model):
    """A process of the site: it notes from time to time that it is there. `seen_at` decides, not the row."""

    class Role(models.TextChoices):
        WEB = "web"
        WORKER = "worker"
        ENCODER = "encoder"
        BEAT = "beat"

    role = models.CharField(max_length=10, choices=Role.choices)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    queues = models.JSONField(default=list, blank=True, help_text="Queues of a worker.")
    device = models.CharField(max_length=300, blank=True, help_text="GPU, or processor with its cores.")
    versions = models.JSONField(default=dict, blank=True, help_text="Releases by package.")
    engine_bytes = models.PositiveBigIntegerField(default=0, help_text="Models and indexes held in memory.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["role", "host", "pid"]
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return f"{self.role} {self.pid} on {self.host}"

    @property
    def release(self) -> str:
        """The release of the site that it runs."""
        return str(self.versions.get("kindred", "unknown"))
