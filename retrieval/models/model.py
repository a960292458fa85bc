"""The table of models."""

from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Q

from retrieval.models.dataset import Dataset
from retrieval.models.experiment import Run
from storage.store import store

COLORS = 8


class Model(models.Model):
    """An embedder that people can search with once it is published and has an active index.

    An external model has no run; its metrics are its own. Embeddings without a network can be searched with
    pictures of the data set only.
    """

    run = models.OneToOneField(Run, null=True, blank=True, on_delete=models.PROTECT, related_name="model")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="models")
    name = models.CharField(max_length=160)
    loss = models.CharField(
        max_length=60, blank=True, help_text="Loss it was trained with; empty for an external model."
    )
    artifact = models.CharField(max_length=200, unique=True, help_text="Folder below the media folder.")
    weights_sha256 = models.CharField(max_length=64)
    dim = models.PositiveIntegerField()
    color = models.PositiveSmallIntegerField(help_text="Number of its colour and mark, 0 to 7.")
    measured = models.JSONField(null=True, blank=True, help_text="Metrics of an external model.")
    licence = models.CharField(max_length=300, blank=True, help_text="Licence of an external model, as imported.")
    has_network = models.BooleanField(default=True, help_text="Whether it can embed a picture that it never saw.")
    published = models.BooleanField(default=False)
    is_default = models.BooleanField(
        default=False, help_text="Whether a curator chose it for new searches; else the best are taken."
    )
    encoder_failures = models.PositiveSmallIntegerField(
        default=0, help_text="Failures in a row of an external model's process."
    )
    encoder_problem = models.CharField(max_length=300, blank=True, help_text="What failed last.")
    suspended_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when searches skip it, because it failed too often."
    )
    archived_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when lists and searches leave it out; its results and ratings stay."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=Q(color__lt=COLORS), name="model_color_known")]

    def __str__(self) -> str:
        return self.name

    @property
    def folder(self) -> Path:
        """Its place on this host, filled from the storage."""
        return store().local_copy(self.artifact)

    def folder_with(self, name: str) -> Path:
        """Return the place of a folder with this file of the model, perhaps with no other; it may not exist."""
        return store().local_part(self.artifact, name).parent

    @property
    def is_external(self) -> bool:
        """Whether its network was made elsewhere, so that a process of its own runs it."""
        return self.run_id is None and self.has_network

    @property
    def metrics(self) -> dict[str, Any] | None:
        """What it earned on the held-out classes; None before it was measured."""
        return self.run.metrics if self.run else self.measured
