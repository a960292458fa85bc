"""The table of reports."""

from pathlib import Path

from django.conf import settings
from django.db import models

from retrieval.models.experiment import Experiment


class Report(models.Model):
    """The newest report of an experiment, as files; creating it again replaces it."""

    experiment = models.OneToOneField(Experiment, on_delete=models.CASCADE, related_name="report")
    path = models.CharField(max_length=200, unique=True, help_text="Folder below the media folder.")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"report of {self.experiment_id}"

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.path
