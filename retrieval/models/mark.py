"""The table of marks on single results."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from retrieval.models.dataset import Image
from retrieval.models.search import Ranking


class Mark(models.Model):
    """One person's judgement of one result: does this picture match the query?"""

    class Value(models.IntegerChoices):
        NO = 0, "No"
        SAME_KIND = 1, "Same kind"
        EXACTLY = 2, "Exactly this"

    who = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="marks")
    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="marks")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="+")
    value = models.PositiveSmallIntegerField(choices=Value.choices)
    rated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "ratings_relevance"  # marks were once a model of the app ratings, named Relevance
        constraints = [
            models.UniqueConstraint(fields=["who", "ranking", "image"], name="one_relevance_a_person_and_answer"),
            models.CheckConstraint(condition=Q(value__in=(0, 1, 2)), name="relevance_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.get_value_display()} ({self.image_id})"
