"""What a ballot shows: its columns in their order, each with the pictures that still are."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ratings.models import Ballot
from retrieval.datasets.services.visibility import shown_images
from retrieval.models import Image, Ranking


@dataclass(frozen=True)
class Column:
    """A ranking, and its pictures by rank; one that was hidden or deleted since is left out, ranks stay.

    score: what was given, None before the vote.
    """

    ranking: Ranking
    answers: list[tuple[int, Image]]
    score: int | None


def columns_of(ballot: Ballot) -> list[Column]:
    """Return a ballot's columns as they were shown, left to right."""
    return columns_of_all([ballot])[ballot.pk]


def columns_of_all(ballots: Sequence[Ballot]) -> dict[UUID, list[Column]]:
    """Return the columns of each ballot, by its key; the database is asked as often as for one."""
    keys = {key for ballot in ballots for key in ballot.order}
    rankings = Ranking.objects.select_related("model").in_bulk(list(keys))
    people = {ballot.who_id: ballot.who for ballot in ballots}
    seen = shown_images(*people.values()) if people else Image.objects.none()  # one's own; nobody sees another's
    images = seen.named().in_bulk(list({pk for ranking in rankings.values() for pk in ranking.image_ids}))
    given = Ballot.objects.filter(pk__in=[ballot.pk for ballot in ballots], scores__isnull=False)
    scores = {(pk, key): score for pk, key, score in given.values_list("pk", "scores__ranking", "scores__score")}
    return {
        ballot.pk: [
            Column(
                ranking=rankings[key],
                answers=[(rank, images[pk]) for rank, pk in enumerate(rankings[key].image_ids, 1) if pk in images],
                score=scores.get((ballot.pk, key)),
            )
            for key in ballot.order
        ]
        for ballot in ballots
    }
