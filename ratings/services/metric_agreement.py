"""How well metrics predict which of two columns a person rates higher. Arrays in, numbers out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ratings.services.centred_means import Estimates, rank_ranges, two_way_counts, weighted_sums
from ratings.services.people_figures import NO_INTERVAL, OfPeople, rank_range_text
from ratings.services.rating_statistics import (
    FEW_PEOPLE,
    FEW_QUERIES,
    FEWEST_PEOPLE,
    FEWEST_QUERIES,
    NO_RATINGS,
    NO_VARIATION,
    UNSTABLE,
    Bools,
    Floats,
    Ratings,
    estimable,
    interval_or_why,
    rounded,
    why_no_interval,
    widening,
)

OTHERS_RESAMPLES = 500

NOTHING_TO_FIND = "nothing_to_find"
NO_ORDER = (NOTHING_TO_FIND, *NO_INTERVAL)
"""The codes of why there is no order of the metrics."""


@dataclass(frozen=True)
class Predictor:
    """A metric as a predictor of people. title and meaning: in words; of_query: whether it is the value of the
    ballot's query, else the model's mean over all queries. values [B, M]: by ballot and model; NaN: it has none.
    """

    title: str
    meaning: str
    of_query: bool
    values: Floats


@dataclass(frozen=True)
class MetricFigure:
    """How well a metric predicts people.

    auc: share of the pairs of columns with different ratings in which the column with the higher metric is the one
    rated higher; equal metrics count half. 0.5 is a coin toss. low, high: 95 % interval over people and queries.
    rank_low, rank_high: the ranks among the metrics that simultaneous intervals of their differences leave open.
    """

    name: str
    title: str
    meaning: str
    of_query: bool
    auc: float
    low: float | None
    high: float | None
    rank_low: int | None
    rank_high: int | None
    pairs: int

    @property
    def may_be_best(self) -> bool:
        """Whether the test leaves open that no other metric is better."""
        return self.rank_low == 1

    @property
    def rank_text(self) -> str:
        """The ranks that the intervals leave open, as 1–2; empty where it has none."""
        return rank_range_text(self.rank_low, self.rank_high)


@dataclass(frozen=True)
class OtherPeople:
    """How well another person predicts a person: auc as for a metric, over pairs of people who rated the same pair.

    One person's rating is noisy too, so a metric may come above this; the mean of many people would.
    """

    auc: float
    low: float | None
    high: float | None
    comparisons: int


@dataclass(frozen=True)
class MetricAgreement(OfPeople):
    """Which metric predicts people best: metrics, best first; empty where no_interval, of NO_ORDER, says why.

    people, queries: how many have pairs. pairs: of columns with different ratings on ballots whose query has something
    to find. queries_left_out: rated queries whose class has no other picture, on which every metric is undefined.
    other_people: None where no two people rated the same pair.
    """

    metrics: tuple[MetricFigure, ...] = ()
    other_people: OtherPeople | None = None
    pairs: int = 0
    queries_left_out: int = 0
    people: int = 0
    queries: int = 0
    no_interval: str = NO_RATINGS

    @property
    def no_interval_text(self) -> str:
        return {
            NOTHING_TO_FIND: "no rated query has another picture of its class",
            NO_VARIATION: "nobody rates two columns of a ballot differently",
            FEW_PEOPLE: f"it needs {FEWEST_PEOPLE} people who rate columns differently; {self.people} did",
            FEW_QUERIES: f"it needs {FEWEST_QUERIES} queries with different ratings; {self.queries} have some",
            UNSTABLE: "too few ballots have columns with different ratings",
        }.get(self.no_interval) or super().no_interval_text

    @property
    def level_with_best(self) -> tuple[MetricFigure, ...]:
        """The metrics other than the first that may be the best."""
        return tuple(metric for metric in self.metrics[1:] if metric.may_be_best)


def metric_agreement(ratings: Ratings, predictors: Mapping[str, Predictor], findable: Bools) -> MetricAgreement:
    """Return how well each predictor orders people's pairs. findable [B]: whether the query has something to find.

    A pair is two columns of one ballot with different ratings. Nothing is given below the people and queries that an
    interval needs, so that nobody reads an order into it.
    """
    left_out = len(np.unique(ratings.queries[~findable]))
    kept = Ratings(ratings.people[findable], ratings.queries[findable], ratings.values[findable])
    slots = _slots(kept)
    values = np.take_along_axis(kept.values, slots, axis=1)
    counted = np.zeros(len(values), dtype=np.int64)
    for pair in _pairs(values):
        counted += (_order(values, *pair) != 0) & _known(values, *pair)
    reach = len(np.unique(kept.people[counted > 0])), len(np.unique(kept.queries[counted > 0]))
    empty = MetricAgreement((), None, int(counted.sum()), left_out, *reach)
    reason = why_no_interval(*reach) if counted.any() else _why_no_pairs(kept, left_out)
    if reason:
        return replace(empty, no_interval=reason)
    shown = {
        name: np.take_along_axis(predictor.values[findable], slots, axis=1) for name, predictor in predictors.items()
    }
    counts, shares = _shares(kept, values, np.stack(list(shown.values())))
    if not any(estimable(shares.resampled[:, place]) for place in range(len(shown))):
        return replace(empty, no_interval=UNSTABLE)
    return replace(
        empty,
        metrics=_figures(predictors, counts, shares, reach),
        other_people=_other_people(kept),
        no_interval="",
    )


def _why_no_pairs(kept: Ratings, left_out: int) -> str:
    """Return why there is no pair on the ballots that are kept, a code of NO_ORDER."""
    if len(kept.people):
        return NO_VARIATION
    return NOTHING_TO_FIND if left_out else NO_RATINGS


def _slots(ratings: Ratings) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the places of each ballot's models [B, most columns], those that it does not show last."""
    shown = ~np.isnan(ratings.values)
    most = int(shown.sum(axis=1).max(initial=0))
    places: np.ndarray[tuple[int, int], np.dtype[np.int64]] = np.argsort(~shown, axis=1, kind="stable")[:, :most]
    return places


def _pairs(values: Floats) -> list[tuple[int, int]]:
    return list(combinations(range(values.shape[-1]), 2))


def _order(values: Floats, one: int, other: int) -> Floats:
    """Return 1 where the first of two columns is higher, -1 where it is lower, 0 where they are level; NaN: unknown."""
    order: Floats = np.sign(np.round(values[..., one] - values[..., other], 9))
    return order


def _known(values: Floats, one: int, other: int) -> Bools:
    known: Bools = ~np.isnan(values[..., one] - values[..., other])
    return known


def _shares(ratings: Ratings, values: Floats, scores: Floats) -> tuple[Floats, Estimates]:
    """Return the number of pairs of each metric [K], and the share of them in its order. scores [K, B, columns]."""
    right, number = np.zeros(scores.shape[:2]), np.zeros(scores.shape[:2])
    for one, other in _pairs(values):
        rated, measured = _order(values, one, other), _order(scores, one, other)
        usable = (rated != 0) & ~np.isnan(rated) & ~np.isnan(measured)
        right += usable * np.where(measured == rated, 1.0, np.where(measured == 0, 0.5, 0.0))
        number += usable
    features = np.vstack([right, number]).T  # [B, 2 K]
    sums = weighted_sums(ratings, lambda part: features[part])
    total = sums[:, len(scores) :]
    shares = np.divide(sums[:, : len(scores)], total, out=np.full(total.shape, np.nan), where=total > 0)
    return total[0], Estimates(shares[0], shares[1:])


def _figures(
    predictors: Mapping[str, Predictor], counts: Floats, shares: Estimates, reach: tuple[int, int]
) -> tuple[MetricFigure, ...]:
    factor = widening(*reach)
    names = list(predictors)
    factors = np.array([factor if estimable(shares.resampled[:, place]) else np.nan for place in range(len(names))])
    ranks = rank_ranges(shares, factors)
    figures = []
    for place, name in enumerate(names):
        if not counts[place]:
            continue
        low, high, _ = interval_or_why(shares.resampled[:, place], reach)
        low, high = (None if end is None else min(1.0, max(0.0, end)) for end in (low, high))
        rank_low, rank_high = ranks[place] or (None, None)
        one = predictors[name]
        auc = rounded(shares.values[place])
        text = (name, one.title, one.meaning, one.of_query)
        figures.append(MetricFigure(*text, auc, low, high, rank_low, rank_high, int(counts[place])))
    return tuple(sorted(figures, key=lambda figure: -figure.auc))


def _other_people(ratings: Ratings) -> OtherPeople | None:
    """Return how often another person orders a pair that somebody rates differently in the same way, a tie as half."""
    people, queries = (counts[: 1 + OTHERS_RESAMPLES] for counts in two_way_counts(ratings, 0))
    right, number = np.zeros(len(people)), np.zeros(len(people))
    met_people: set[int] = set()
    met_queries = 0
    for query in np.unique(ratings.query_places):
        rows = np.flatnonzero(ratings.query_places == query)
        orders = _orders(ratings.values[rows])
        if not orders.size:
            continue
        who = ratings.people_places[rows]
        drawn = people[:, who]
        higher, lower, level = (drawn @ (orders == sign) for sign in (1, -1, 0))  # [R, pairs]
        own = drawn**2 @ (np.abs(orders) == 1)  # nobody is compared with themselves
        differ = higher + lower
        weight = queries[:, query]
        right += weight * (higher**2 + lower**2 - own + differ * level / 2).sum(axis=1)
        number += weight * (differ * (differ + level) - own).sum(axis=1)
        met_people |= set(who[~np.isnan(orders).all(axis=1)].tolist())
        met_queries += 1
    if not number[0]:
        return None
    shares = np.divide(right, number, out=np.full(len(number), np.nan), where=number > 0)
    low, high, _ = interval_or_why(shares[1:], (len(met_people), met_queries))
    return OtherPeople(rounded(shares[0]), low, high, int(number[0]))


def _orders(values: Floats) -> Floats:
    """Return the orders [people, pairs] of a query's ballots [people, M], of the pairs that two people rated."""
    values = values[:, (~np.isnan(values)).sum(axis=0) > 1]
    first, second = np.triu_indices(values.shape[1], 1)
    orders = np.sign(values[:, first] - values[:, second])
    several: Floats = orders[:, (~np.isnan(orders)).sum(axis=0) > 1]
    return several
