"""The tables of searches and of rankings, which are never changed."""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from retrieval.models.dataset import Dataset, Image
from retrieval.models.index import Index
from retrieval.models.model import Model
from storage.store import place_of


class KeptSearches(models.Manager["Search"]):
    """Searches without those that were deleted a moment ago, and can still be restored."""

    def get_queryset(self) -> models.QuerySet["Search"]:
        return super().get_queryset().filter(deleted_at=None)


class Search(models.Model):
    """A search with one picture. Without an owner it is the system's: a query that people rate blind.

    The query is a picture of a data set, or an uploaded one, stored without its metadata. A refinement searches with
    the picture of its root, the first search with that picture, and other options; the root has the upload.

    `objects` leaves out what was deleted a moment ago, so that nobody meets it; `stored` has every row, for those who
    look after files and rows.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="searches"
    )
    datasets = models.ManyToManyField(Dataset, related_name="searches", help_text="Data sets that were searched.")
    query_image = models.ForeignKey(Image, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    root = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="refinements",
        help_text="First search with the same picture; null for that search itself.",
    )
    k = models.PositiveSmallIntegerField()
    box = models.JSONField(
        null=True,
        blank=True,
        help_text="Left, top, right, bottom of the searched part, 0 to 1 of the upright picture; null: all of it.",
    )
    threshold = models.FloatField(
        null=True,
        blank=True,
        help_text="Minimum similarity, -1 to 1; results below it are hidden. null: all are shown.",
    )
    filters = models.JSONField(
        default=dict, blank=True, help_text="Splits and classes that results are limited to; empty: all."
    )
    upload_bytes = models.PositiveIntegerField(default=0, help_text="Of the uploaded query as it is stored; 0 without.")
    exclude_self = models.BooleanField(
        default=True, help_text="Whether a picture of a data set is left out of its own results."
    )
    more = models.JSONField(default=list, blank=True, help_text="Images that the query was moved towards.")
    less = models.JSONField(default=list, blank=True, help_text="Images that the query was moved away from.")
    problems = models.JSONField(
        default=list, blank=True, help_text="Models that gave no results, with the reason: pairs of key and sentence."
    )
    name = models.CharField(max_length=80, blank=True, help_text="Name of a saved search; empty if it is not saved.")
    share_token = models.CharField(max_length=43, null=True, blank=True, unique=True)  # noqa: DJ001  unique, so null
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        db_index=True,
        help_text="When its owner deleted it; null: it is there. The row is removed about a minute later.",
    )

    objects = KeptSearches()
    stored = models.Manager["Search"]()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "searches"
        indexes = [models.Index(fields=["owner", "-created_at"], name="search_by_owner")]
        constraints = [
            models.UniqueConstraint(
                fields=["query_image"],
                condition=Q(owner__isnull=True, query_image__isnull=False),
                name="one_system_search_a_query",
            ),
            models.CheckConstraint(condition=Q(k__gte=1), name="search_asks_for_something"),
            models.CheckConstraint(
                condition=Q(threshold__isnull=True) | Q(threshold__gte=-1, threshold__lte=1),
                name="search_threshold_is_a_cosine",
            ),
            models.CheckConstraint(condition=Q(root__isnull=True) | ~Q(root=F("id")), name="search_root_is_another"),
        ]

    def __str__(self) -> str:
        return f"search {self.pk}"

    @property
    def upload_key(self) -> str:
        """The key of the uploaded query in the storage, if the query is not a picture of a data set.

        It is private, so no host has a copy of it but the storage.
        """
        return f"searches/{self.root_id or self.pk}.jpg"

    @property
    def upload(self) -> Path:
        """The place of the uploaded query, where the storage is a folder of this machine."""
        return place_of(self.upload_key)


class Ranking(models.Model):
    """The results of one model from one index: image ids, best first, with their similarities.

    A model that searched several data sets has a ranking for each; a page merges them.
    """

    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="rankings")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="rankings")
    index = models.ForeignKey(Index, on_delete=models.PROTECT, related_name="rankings")
    image_ids = models.JSONField()
    scores = models.JSONField()
    took_ms = models.FloatField()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["search", "index"], name="one_ranking_an_index")]

    def __str__(self) -> str:
        return f"ranking {self.pk}"
