"""The table of indexes: each an HNSW index of all pictures of a data set, by one model."""

from pathlib import Path

from django.db import models
from django.db.models import Q

from retrieval.models.dataset import Dataset
from retrieval.models.model import Model
from storage.store import store


class Index(models.Model):
    """Built, checked, and never changed afterwards; one per model and data set is active."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="indexes")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="indexes")
    revision = models.PositiveIntegerField(help_text="Revision of the data set when the index was built.")
    path = models.CharField(max_length=200, unique=True, help_text="Folder below the media folder.")
    manifest = models.JSONField()
    recall = models.FloatField(help_text="Recall@10 against exact search, 0 to 1, measured when it was built.")
    count = models.PositiveIntegerField()
    active = models.BooleanField(default=False)
    collection = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",  # earlier versions insert rows without it
        help_text="Its collection in the vector store; empty without one, or once dropped.",
    )
    retired_at = models.DateTimeField(null=True, blank=True, help_text="When another index took its place.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "indexes"
        constraints = [
            models.UniqueConstraint(
                fields=["model", "dataset"], condition=Q(active=True), name="one_active_index_a_model_and_dataset"
            ),
            models.CheckConstraint(condition=Q(recall__gte=0, recall__lte=1), name="index_recall_is_a_share"),
        ]

    def __str__(self) -> str:
        return f"index {self.pk} of {self.model_id}"

    @property
    def is_in_vector_store(self) -> bool:
        """Whether a vector store searches it, or did until its collection was dropped."""
        return bool(self.manifest.get("collection"))

    @property
    def map_key(self) -> str:
        """The key of its map; the checksum differs for another database's index of the same id."""
        files = self.manifest["files"]
        named_by = files.get("index.bin") or files["vectors.npy"]
        return f"maps/index-{self.pk}-{named_by['sha256'][:16]}.json"

    @property
    def folder(self) -> Path:
        """Its place on this host, filled from the storage."""
        return store().local_copy(self.path)
