"""Metrics of the results that a ballot shows, for the query of that ballot. Arrays in, numbers out.

Relevance is binary: whether the result at a rank is of the query's class. A column has the depth that a ballot shows,
so these metrics see what a rater sees and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ratings.services.rating_statistics import Bools, Floats, Ints


@dataclass(frozen=True)
class ShownMetric:
    """A metric of one result list. title: with {depth}. score: relevance [N, depth] and relevant [N], how many such
    pictures there are to find, at least 1, to values [N] from 0 to 1.
    """

    title: str
    meaning: str
    score: Callable[[Bools, Ints], Floats]


def first_right(relevance: Bools, relevant: Ints) -> Floats:
    """Return 1 where the first result is of the query's class, else 0."""
    return relevance[:, 0].astype(np.float64)


def any_right(relevance: Bools, relevant: Ints) -> Floats:
    """Return 1 where any result is of the query's class, else 0."""
    return np.where(relevance.any(axis=1), 1.0, 0.0)


def precision(relevance: Bools, relevant: Ints) -> Floats:
    """Return the share of the results that are of the query's class."""
    shares: Floats = relevance.sum(axis=1) / relevance.shape[1]
    return shares


def average_precision(relevance: Bools, relevant: Ints) -> Floats:
    """Return the precision at each rank that is a hit, added up and divided by the most hits that fit."""
    ranks = np.arange(1, relevance.shape[1] + 1)
    total = (np.cumsum(relevance, axis=1) / ranks * relevance).sum(axis=1)
    averages: Floats = total / np.minimum(relevant, relevance.shape[1])
    return averages


def ndcg(relevance: Bools, relevant: Ints) -> Floats:
    """Return the discounted cumulative gain over that of a perfect list, gains of 0 and 1.

    Source: Järvelin and Kekäläinen, ACM TOIS 20 (2002), 422-446, discount 1 / log2(rank + 1).
    """
    discounts = 1 / np.log2(np.arange(2, relevance.shape[1] + 2))
    ideal = np.cumsum(discounts)[np.minimum(relevant, relevance.shape[1]) - 1]
    gains: Floats = relevance @ discounts / ideal
    return gains


def reciprocal_rank(relevance: Bools, relevant: Ints) -> Floats:
    """Return 1 over the rank of the first result of the query's class; 0 without one."""
    return np.where(relevance.any(axis=1), 1 / (1 + relevance.argmax(axis=1)), 0.0)


SHOWN_METRICS: Mapping[str, ShownMetric] = {
    "query_average_precision": ShownMetric(
        "AP@{depth}", "Average precision of the results shown for the query.", average_precision
    ),
    "query_precision": ShownMetric(
        "Precision@{depth}", "Share of the shown results that are of the query's class.", precision
    ),
    "query_ndcg": ShownMetric(
        "nDCG@{depth}",
        "Discounted cumulative gain of the shown results: 1 for each of the query's class, else 0.",
        ndcg,
    ),
    "query_reciprocal_rank": ShownMetric(
        "RR@{depth}", "1 over the rank of the first shown result of the query's class.", reciprocal_rank
    ),
    "query_first_right": ShownMetric("First right", "Whether the first result is of the query's class.", first_right),
    "query_any_right": ShownMetric("Any right", "Whether any shown result is of the query's class.", any_right),
}
"""By name. Names begin with query_, since each is the value of one query, not a mean of a model."""
