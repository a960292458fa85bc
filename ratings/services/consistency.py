"""How consistently people rate: hidden repeats of their own ballots, and columns that were shown twice."""

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import User
from ratings.models import Ballot
from ratings.services.hidden_checks import ATTENTIVE_WITHIN
from ratings.services.repeat_agreement import Repeated, compared
from retrieval.models import Dataset


@dataclass(frozen=True)
class Attention:
    """Columns that were shown twice on a ballot. lapses: of so many checks, ratings over ATTENTIVE_WITHIN apart."""

    people: int
    checks: int
    lapses: int

    @property
    def share(self) -> float:
        """The share of lapses, 0 to 1."""
        return self.lapses / self.checks


@dataclass(frozen=True)
class Consistency:
    """What hidden checks found; None: no ballot was repeated, no column shown twice."""

    repeated: Repeated | None
    attention: Attention | None


def consistency_on(dataset: Dataset) -> Consistency:
    """Return how consistently people rate a data set's queries, over all who had a hidden check."""
    return _consistency(Ballot.objects.filter(search__query_image__dataset=dataset))


def own_consistency(user: User) -> Consistency:
    """Return how consistently one person rates, over all data sets."""
    return _consistency(Ballot.objects.filter(who=user))


def _consistency(ballots: QuerySet[Ballot]) -> Consistency:
    return Consistency(_repeated(ballots), _attention(ballots))


def _repeated(ballots: QuerySet[Ballot]) -> Repeated | None:
    repeats = ballots.filter(repeat_of__voted_at__isnull=False, voted_at__isnull=False)
    repeats = repeats.select_related("repeat_of").prefetch_related("scores", "repeat_of__scores").order_by("pk")
    pairs = [pair for repeat in repeats if repeat.repeat_of for pair in [_pairs(repeat.repeat_of, repeat)] if pair]
    people = len({repeat.who_id for repeat in repeats})
    return compared(pairs, people) if pairs else None


def _pairs(first: Ballot, second: Ballot) -> list[tuple[int, int]]:
    """Return the first and the second rating of each column."""
    before = {score.ranking_id: score.score for score in first.scores.all()}
    return [(before[score.ranking_id], score.score) for score in second.scores.all() if score.ranking_id in before]


def _attention(ballots: QuerySet[Ballot]) -> Attention | None:
    # Who chose that none match rated every column 1 by that choice: it says nothing about attention.
    checked = ballots.filter(voted_at__isnull=False, duplicate__isnull=False, none_good=False)
    checked = checked.prefetch_related("scores").order_by("pk")
    apart = [
        abs(score.score - ballot.duplicate_rating)
        for ballot in checked
        for score in ballot.scores.all()
        if ballot.duplicate and ballot.duplicate_rating and score.ranking_id == ballot.duplicate["ranking"]
    ]
    if not apart:
        return None
    return Attention(
        people=len({ballot.who_id for ballot in checked}),
        checks=len(apart),
        lapses=sum(distance > ATTENTIVE_WITHIN for distance in apart),
    )
