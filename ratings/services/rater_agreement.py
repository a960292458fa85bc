"""Agreement of people: Krippendorff's alpha, and the share of equal comparisons. Arrays in, numbers out."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ratings.services.centred_means import two_way_counts
from ratings.services.rating_statistics import Floats, Ints, Ratings

ALPHA_RESAMPLES = 500
"""Alpha takes the longest of a page's statistics, and its interval is no more than a description."""


@dataclass(frozen=True)
class ShareOfAgreement:
    """Share of comparisons in which two people agree, the share expected by chance, and the number of comparisons."""

    share: float
    chance: float
    comparisons: int


def agreement_between_people(ratings: Ratings) -> ShareOfAgreement | None:
    """Return the share of comparisons in which two people agree.

    A comparison is two people, one query and two models that both rated there. They agree when both put the
    same model higher, or both put the two level. None where no two people rated the same query.

    Chance: of two people who know nothing of the models and put two level as often as people do here, t:
    t^2 + (1 - t)^2 / 2.
    """
    first, second = np.array(list(combinations(range(ratings.values.shape[1]), 2)), dtype=int).reshape(-1, 2).T
    agreed = compared = 0
    level = 0.0
    for query in np.unique(ratings.queries):
        values = ratings.values[ratings.queries == query]
        orders = np.sign(values[:, first] - values[:, second])  # [people, pairs of models], NaN where not both shown
        people = (~np.isnan(orders)).sum(axis=0)
        compared += int((people * (people - 1)).sum()) // 2
        level += float(((orders == 0).sum(axis=0) * (people - 1)).sum()) / 2  # a level pair counts in each comparison
        for order in (-1, 0, 1):
            alike = (orders == order).sum(axis=0)
            agreed += int((alike * (alike - 1)).sum()) // 2
    if not compared:
        return None
    tied = level / compared
    return ShareOfAgreement(agreed / compared, tied**2 + (1 - tied) ** 2 / 2, compared)


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's alpha, of every resample too; NaN: it has none. reach: people and queries that it is of."""

    value: float
    resampled: Floats
    reach: tuple[int, int]


def krippendorff_alpha(ratings: Ratings, seed: int = 0) -> Alpha:
    """Return Krippendorff's alpha for ordinal ratings: 1 is perfect agreement, 0 is chance, below it is worse.

    A unit is a query and a model; its values are the ratings by two people or more. NaN where no unit has two, or
    where all values are equal.

    The resamples are the first ALPHA_RESAMPLES of `two_way_counts`. A person who is drawn several times is not
    compared with themselves: pairs of different people only, each unit with the weight of its number of values.

    Source: K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C, metric of ordinal data.
    """
    people, queries = (counts[: 1 + ALPHA_RESAMPLES] for counts in two_way_counts(ratings, seed))
    values = np.unique(ratings.values[~np.isnan(ratings.values)])
    coincidences = np.zeros((len(people), len(values), len(values)))
    for query, who, ballots in _by_query(ratings):
        shown = ballots[:, :, None] == values  # [people of the query, M, K]
        flat = shown.reshape(len(who), -1).astype(np.float32)
        drawn = people[:, who].astype(np.float32)
        counts = (drawn @ flat).reshape(len(people), *shown.shape[1:])  # [R, M, K]
        own = (drawn**2 @ flat).reshape(counts.shape)
        number = counts.sum(axis=2)
        pairs = number**2 - own.sum(axis=2)
        weight = np.divide(number, pairs, out=np.zeros_like(number), where=pairs > 0)[..., None]
        weight = weight * queries[:, query, None, None]
        together = np.swapaxes(weight * counts, 1, 2) @ counts
        diagonal = np.arange(len(values))
        together[:, diagonal, diagonal] -= (weight * own).sum(axis=1)
        coincidences += together
    alphas = _alphas(coincidences)
    return Alpha(float(alphas[0]), alphas[1:], _overlap(ratings))


def alpha_of_pairs(pairs: Ints) -> float:
    """Return Krippendorff's alpha (ordinal) of two ratings each of N results [N, 2]; NaN where all are equal."""
    values, places = np.unique(pairs, return_inverse=True)
    first, second = places.reshape(pairs.shape).T
    coincidences = np.zeros((1, len(values), len(values)))
    np.add.at(coincidences[0], (first, second), 1)
    return float(_alphas(coincidences + np.swapaxes(coincidences, 1, 2))[0])


def _by_query(ratings: Ratings) -> Iterator[tuple[int, Ints, Floats]]:
    """Give each query with two ballots or more: its place, the people [n] and their ratings [n, M]."""
    order = np.argsort(ratings.query_places, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(ratings.query_places[order])) + 1):
        if len(rows) > 1:
            yield int(ratings.query_places[rows[0]]), ratings.people_places[rows], ratings.values[rows]


def _alphas(coincidences: Floats) -> Floats:
    """Return alpha [R] of coincidence matrices [R, K, K] of K values in order."""
    totals = coincidences.sum(axis=2)
    number = totals.sum(axis=1)
    reached = np.cumsum(totals, axis=1) - totals / 2  # up to the middle of each value
    distances = (reached[:, :, None] - reached[:, None, :]) ** 2
    observed = (coincidences * distances).sum(axis=(1, 2)) * (number - 1)
    expected = (totals[:, :, None] * totals[:, None, :] * distances).sum(axis=(1, 2))
    ratio = np.divide(observed, expected, out=np.full(len(number), np.nan), where=(expected > 1e-9) & (number > 1))
    alphas: Floats = 1 - ratio
    return alphas


def _overlap(ratings: Ratings) -> tuple[int, int]:
    """Return the number of people and of queries of the units that two people or more rated."""
    people: set[int] = set()
    queries = 0
    for _, who, values in _by_query(ratings):
        rated = ~np.isnan(values)
        several = rated & (rated.sum(axis=0) > 1)
        people |= set(who[several.any(axis=1)].tolist())
        queries += bool(several.any())
    return len(people), queries
