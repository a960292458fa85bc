"""Tables of blind ratings: ballots, and the rating of each column."""

import uuid
from typing import ClassVar, TypedDict

from django.conf import settings
from django.db import models
from django.db.models import Q

from retrieval.models import Ranking, Search


class Duplicate(TypedDict):
    """A column that shows another column's ranking once more.

    key: what the column is rated by, where others have their ranking's id. place: of the column, 0 is the leftmost.
    """

    ranking: int
    key: int
    place: int


class CountedBallots(models.Manager["Ballot"]):
    """Ballots without hidden repeats."""

    def get_queryset(self) -> models.QuerySet["Ballot"]:
        return super().get_queryset().filter(repeat_of=None)


class CountedScores(models.Manager["BlindScore"]):
    """Ratings that say something of a model: without those of hidden repeats."""

    def get_queryset(self) -> models.QuerySet["BlindScore"]:
        return super().get_queryset().filter(ballot__repeat_of=None)


class Ballot(models.Model):
    """A person's ballot on one query: the order of its columns, and when the person rated it.

    Open, perhaps skipped for a while or with a draft, then rated. A draft counts nowhere and can be changed, since the
    person has not seen the models' names. A withdrawn ballot loses its ratings for good, since the person has.

    A hidden repeat shows an earlier ballot of the person again. It counts nowhere but in their consistency, so whoever
    counts ballots or ratings uses `counted`. The rating of a duplicated column is on the ballot, not among its scores.
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

    repeat_of = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,  # without its first ballot a repeat must not count as one
        related_name="repeat",
        help_text="Earlier ballot of the person that this one repeats unseen; null = it is no repeat.",
    )
    duplicate = models.JSONField(
        null=True,
        blank=True,
        help_text="Column that shows another's ranking once more, to see attention: ranking, key, place; null = none.",
    )
    duplicate_rating = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Rating of the duplicated column, 1 to 5; it counts for no model."
    )

    objects = models.Manager["Ballot"]()
    counted = CountedBallots()

    class Meta:
        ordering = ["-shown_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["who", "search"], condition=Q(repeat_of=None), name="one_ballot_a_person_and_query"
            ),
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

    @property
    def column_keys(self) -> list[int]:
        """What its columns are rated by, left to right: the ids of their rankings, but for the duplicated column."""
        keys = list(self.order)
        if self.duplicate is not None:
            keys.insert(self.duplicate["place"], self.duplicate["key"])
        return keys

    def ranking_of(self, key: int) -> int:
        """Return the id of the ranking that the column with this key shows."""
        return int(self.duplicate["ranking"]) if self.duplicate and key == self.duplicate["key"] else key

    def column_of(self, ranking: int) -> int:
        """Return the column of a ranking, 1 is the leftmost; of a duplicated one, that which counts."""
        return self.column_keys.index(ranking) + 1


class BlindScore(models.Model):
    """The rating of one column of a ballot, 1 (no match) to 5 (perfect)."""

    SCORES: ClassVar = range(1, 6)

    ballot = models.ForeignKey(Ballot, on_delete=models.CASCADE, related_name="scores")
    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="blind_scores")
    score = models.PositiveSmallIntegerField()

    objects = models.Manager["BlindScore"]()
    counted = CountedScores()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ballot", "ranking"], name="one_score_a_ballot_and_ranking"),
            models.CheckConstraint(condition=Q(score__gte=1, score__lte=5), name="blind_score_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.score} for {self.ranking_id}"
