"""Statistics of a table's ratings, read from the database and cached."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max

from ratings.models import Ballot, BlindScore
from ratings.services.leaderboard_rows import LeaderboardRow
from ratings.services.people_statistics import Statistics, computed
from ratings.services.rating_statistics import Ratings

FORM = 4
"""Of what is cached: raised when `Statistics` changes, so that a new release does not read an older one's."""

KEEP_SECONDS = 600  # statistics of the same ratings; new ratings have another key


def statistics_of(rows: Sequence[LeaderboardRow]) -> Statistics:
    """Return the statistics of the ratings of these models, cached until a rating comes or goes.

    Ratings are never changed and their keys never used again, so their number and newest key tell two states apart.
    """
    measured = {row.model.pk: row.headline for row in sorted(rows, key=lambda row: row.model.pk)}
    row_of = {one.model.pk: row.model.pk for row in rows for one in row.seeds}
    state = BlindScore.counted.filter(ranking__model__in=list(row_of)).aggregate(count=Count("pk"), newest=Max("pk"))
    known = hash((tuple(measured.items()), tuple(sorted(row_of.items()))))
    statistics: Statistics = cache.get_or_set(  # type: ignore[assignment]  # what is set is what comes
        f"ratings-statistics:{FORM}:{known}:{state['count']}:{state['newest']}",
        lambda: computed(ratings_of(list(measured), row_of), measured),
        KEEP_SECONDS,
    )
    return statistics


def ratings_of(rows: Sequence[int], row_of: Mapping[int, int]) -> Ratings:
    """Return every rating of these rows' models, a ballot a row; two seeds of a row on one ballot give their mean."""
    places = {row: place for place, row in enumerate(rows)}
    columns = {model: places[row] for model, row in row_of.items()}
    ballots: dict[object, int] = {}
    rows_of_searches: dict[object, int] = {}
    people, queries, cells = [], [], []
    scores = BlindScore.counted.filter(ranking__model__in=list(row_of))
    rated = Ballot.objects.filter(pk__in=scores.values("ballot")).in_bulk()
    fields = ("ballot", "ballot__who", "ballot__search", "ranking__model", "ranking", "score")
    for ballot, who, search, model, ranking, rating in scores.order_by("pk").values_list(*fields):
        if ballot not in ballots:
            ballots[ballot] = len(ballots)
            people.append(who)
            queries.append(rows_of_searches.setdefault(search, len(rows_of_searches)))
        cells.append((ballots[ballot], columns[model], rating, rated[ballot].column_of(ranking)))
    sums, counts = np.zeros((len(ballots), len(rows))), np.zeros((len(ballots), len(rows)))
    shown_at = np.zeros(sums.shape, dtype=np.int64)
    for row, column, rating, place in cells:
        sums[row, column] += rating
        counts[row, column] += 1
        shown_at[row, column] = place
    table = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    shown_at[counts != 1] = 0  # the mean of two columns stands in neither
    return Ratings(np.array(people, dtype=np.int64), np.array(queries, dtype=np.int64), table, shown_at)
