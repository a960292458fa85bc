"""Evidence of a table: its ratings, read from the database, and their statistics, cached."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max

from ratings.models import Ballot, BlindScore
from ratings.services.leaderboard_rows import LeaderboardRow
from ratings.services.people_statistics import Statistics, computed
from ratings.services.rating_statistics import Ints, Ratings

FORM = 7
"""Of what is cached: raised when a dataclass of it changes, so that a new release does not read an older one's."""

Value = TypeVar("Value")

KEEP_SECONDS = 600  # statistics of the same ratings; new ratings have another key


@dataclass(frozen=True)
class Evidence:
    """What people said of a table's models, a ballot a row, in the order in which they were cast.

    ballots [B] and searches [B]: keys. rankings [B, M]: the key of the ranking that each model was shown by, 0 where
    it is not one.
    """

    ratings: Ratings
    ballots: Sequence[UUID]
    searches: Sequence[UUID]
    rankings: Ints


def statistics_of(rows: Sequence[LeaderboardRow]) -> Statistics:
    """Return the statistics of the ratings of these models, cached until a rating comes or goes."""
    measured = {row.model.pk: row.headline for row in sorted(rows, key=lambda row: row.model.pk)}
    row_of = row_of_models(rows)
    known = tuple(measured.items()), tuple(sorted(row_of.items()))
    return cached("statistics", row_of, known, lambda: computed(ratings_of(list(measured), row_of), measured))


def row_of_models(rows: Sequence[LeaderboardRow]) -> dict[int, int]:
    """Return the row of each model, by keys."""
    return {one.model.pk: row.model.pk for row in rows for one in row.seeds}


def cached(name: str, models: Collection[int], known: object, compute: Callable[[], Value]) -> Value:
    """Return what is computed of these models' ratings, cached until a rating comes or goes.

    known: what else it is computed of, told by its repr. Ratings are never changed and their keys never used again, so
    their number and newest key tell two states apart.
    """
    scores = BlindScore.counted.filter(ranking__model__in=models)
    state = scores.aggregate(count=Count("pk"), newest=Max("pk"))
    digest = hashlib.sha256(repr(known).encode()).hexdigest()  # the same in every process, which hash() of text is not
    key = f"ratings-{name}:{FORM}:{digest}:{state['count']}:{state['newest']}"
    value: Value = cache.get_or_set(key, compute, KEEP_SECONDS)  # type: ignore[assignment]  # what is set is what comes
    return value


def ratings_of(rows: Sequence[int], row_of: Mapping[int, int]) -> Ratings:
    """Return every rating of these rows' models; see `evidence_of`."""
    return evidence_of(rows, row_of).ratings


def evidence_of(rows: Sequence[int], row_of: Mapping[int, int]) -> Evidence:
    """Return every rating of these rows' models, a ballot a row; two seeds of a row on one ballot give their mean."""
    places = {row: place for place, row in enumerate(rows)}
    columns = {model: places[row] for model, row in row_of.items()}
    ballots: dict[UUID, int] = {}
    rows_of_searches: dict[object, int] = {}
    people, queries, searches, cells = [], [], [], []
    scores = BlindScore.counted.filter(ranking__model__in=list(row_of))
    rated = Ballot.objects.filter(pk__in=scores.values("ballot")).only("order", "duplicate").in_bulk()
    fields = ("ballot", "ballot__who", "ballot__search", "ranking__model", "ranking", "score")
    for ballot, who, search, model, ranking, rating in scores.order_by("pk").values_list(*fields):
        if ballot not in ballots:
            ballots[ballot] = len(ballots)
            people.append(who)
            searches.append(search)
            queries.append(rows_of_searches.setdefault(search, len(rows_of_searches)))
        cells.append((ballots[ballot], columns[model], rating, rated[ballot].column_of(ranking), ranking))
    sums, counts = np.zeros((len(ballots), len(rows))), np.zeros((len(ballots), len(rows)))
    shown_at, rankings = np.zeros(sums.shape, dtype=np.int64), np.zeros(sums.shape, dtype=np.int64)
    for row, column, rating, place, ranking in cells:
        sums[row, column] += rating
        counts[row, column] += 1
        shown_at[row, column], rankings[row, column] = place, ranking
    table = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    shown_at[counts != 1] = rankings[counts != 1] = 0  # the mean of two columns stands in neither
    ratings = Ratings(np.array(people, dtype=np.int64), np.array(queries, dtype=np.int64), table, shown_at)
    return Evidence(ratings, list(ballots), searches, rankings)
