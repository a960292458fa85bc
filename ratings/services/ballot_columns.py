"""The columns of ballots, left to right, with the pictures that are still visible."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ratings.models import Ballot
from retrieval.datasets.services.visibility import shown_images
from retrieval.models import Image, Ranking


@dataclass(frozen=True)
class BallotColumn:
    """A ranking, and its pictures by rank; one that was hidden or deleted since is left out, ranks stay.

    key: what the column is rated by, the ranking's id but for the duplicated column. rating: 1 to 5, also one of a
    draft; None before the ballot is rated.
    """

    key: int
    ranking: Ranking
    results: list[tuple[int, Image]]
    rating: int | None


def columns_of(ballot: Ballot) -> list[BallotColumn]:
    """Return a ballot's columns as they were shown, left to right."""
    return columns_of_all([ballot])[ballot.pk]


def columns_of_all(ballots: Sequence[Ballot]) -> dict[UUID, list[BallotColumn]]:
    """Return the columns of each ballot, by its key; with as many database queries as for one."""
    keys = {key for ballot in ballots for key in ballot.order}
    rankings = Ranking.objects.select_related("model").in_bulk(list(keys))
    people = {ballot.who_id: ballot.who for ballot in ballots}
    visible = shown_images(*people.values()) if people else Image.objects.none()  # one's own; nobody sees another's
    images = visible.named().in_bulk(list({pk for ranking in rankings.values() for pk in ranking.image_ids}))
    cast = Ballot.objects.filter(pk__in=[ballot.pk for ballot in ballots], scores__isnull=False)
    ratings: dict[tuple[UUID, int], int | None]
    ratings = {(pk, key): score for pk, key, score in cast.values_list("pk", "scores__ranking", "scores__score")}
    ratings |= {(ballot.pk, ballot.duplicate["key"]): ballot.duplicate_rating for ballot in ballots if ballot.duplicate}

    def column(ballot: Ballot, key: int) -> BallotColumn:
        ranking = rankings[ballot.ranking_of(key)]
        results = [(rank, images[pk]) for rank, pk in enumerate(ranking.image_ids, 1) if pk in images]
        rating = ratings.get((ballot.pk, key))
        return BallotColumn(key, ranking, results, (ballot.draft or {}).get(str(key)) if rating is None else rating)

    return {ballot.pk: [column(ballot, key) for key in ballot.column_keys] for ballot in ballots}
