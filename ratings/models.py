"""Tables of blind ratings: ballots, and the rating of each column."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from retrieval.models import Ranking, Search


class Ballot(models.Model):
    """A person's ballot on one query: the order of its columns, and when the person rated it.

    Open, perhaps skipped for a while or with a draft, then rated. A draft counts nowhere and can be changed, since the
    person has not seen the models' names. A withdrawn ballot loses its ratings for good, since the person has.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    who = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ballots")
    search = models.ForeignKey(Search, on_delete=models.CASCADE, related_name="ballots")
    order = models.JSONField(help_text="Ranking ids, left to right as shown.")
    is_core = models.BooleanField(
        null=True, blank=True, help_text="Whether the query was drawn from the shared core; null = not recorded then."
    )
    propensities = models.JSONField(
        null=True,
        blank=True,
        help_text="Probability that each column was shown, by ranking id; null = not recorded then.",
    )
    shown_at = models.DateTimeField(auto_now_add=True)
    voted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    none_good = models.BooleanField(
        default=False, help_text="Whether the person chose that no column matches; every rating is then 1."
    )

    draft = models.JSONField(
        null=True, blank=True, help_text="Ratings by ranking that were sent while the names stay hidden; null = none."
    )
    draft_none_good = models.BooleanField(default=False, help_text="Whether the draft says that no column matches.")
    skipped_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when the picture is set aside; null = it is not."
    )
    skips = models.PositiveSmallIntegerField(default=0, help_text="How often the person skipped the picture.")

    class Meta:
        ordering = ["-shown_at"]
        constraints = [
            models.UniqueConstraint(fields=["who", "search"], name="one_ballot_a_person_and_query"),
            models.UniqueConstraint(
                fields=["who"],
                condition=Q(voted_at=None, withdrawn_at=None, skipped_at=None),
                name="one_open_ballot_a_person",
            ),
            models.CheckConstraint(
                condition=Q(voted_at__isnull=True) | Q(withdrawn_at__isnull=True), name="no_vote_is_cast_and_withdrawn"
            ),
        ]

    def __str__(self) -> str:
        return f"ballot {self.pk}"


class BlindScore(models.Model):
    """The rating of one column of a ballot, 1 (no match) to 5 (perfect)."""

    SCORES: ClassVar = range(1, 6)

    ballot = models.ForeignKey(Ballot, on_delete=models.CASCADE, related_name="scores")
    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="blind_scores")
    score = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ballot", "ranking"], name="one_score_a_ballot_and_ranking"),
            models.CheckConstraint(condition=Q(score__gte=1, score__lte=5), name="blind_score_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.score} for {self.ranking_id}"
