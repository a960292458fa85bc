"""What was asked and what was answered, frozen."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q

from retrieval.models.dataset import Dataset, Image
from retrieval.models.index import Index
from retrieval.models.model import Model


class Search(models.Model):
    """A picture asked for. Without an owner it is the system's: a query that people rate blind.

    The query is a picture of the data set, or an uploaded one, stored without its metadata.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="searches"
    )
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="searches")
    query_image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    k = models.PositiveSmallIntegerField()
    share_token = models.CharField(max_length=43, null=True, blank=True, unique=True)  # noqa: DJ001  unique, so null
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "searches"
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "query_image"],
                condition=Q(owner__isnull=True, query_image__isnull=False),
                name="one_system_search_a_query",
            ),
            models.CheckConstraint(condition=Q(k__gte=1), name="search_asks_for_something"),
        ]

    def __str__(self) -> str:
        return f"search {self.pk}"

    @property
    def upload(self) -> Path:
        """Where the uploaded query lies, if the query is not a gallery picture."""
        return Path(settings.MEDIA_ROOT) / "searches" / f"{self.pk}.jpg"


class Ranking(models.Model):
    """What one model answered: picture ids, best first, with their cosine similarities."""

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="rankings")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="rankings")
    index = models.ForeignKey(Index, on_delete=models.PROTECT, related_name="rankings")
    image_ids = models.JSONField()
    scores = models.JSONField()
    took_ms = models.FloatField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["search", "model"], name="one_ranking_a_model")]

    def __str__(self) -> str:
        return f"ranking {self.pk}"
