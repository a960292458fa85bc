"""Ballot-centred means of models, with two-way bootstrap resamples. Arrays in, numbers out.

A raw mean depends on who rated a model and on which queries: a model that joins when raters are kinder gains by it.
Within a ballot, one person compares models on one query, so differences within ballots are free of both.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ratings.services.rating_statistics import RESAMPLES, Bools, Floats, Ints, Ratings, estimable, interval, widened

_BALLOTS_AT_ONCE = 2048
"""Bound on the ballots whose weights and sums are held at a time: 16 MiB of weights."""

ALL = slice(None)


@dataclass(frozen=True)
class Estimates:
    """A figure of each model, values [M], and of every resample, resampled [RESAMPLES, M]; NaN: it has none."""

    values: Floats
    resampled: Floats

    def of(self, models: Ints) -> "Estimates":
        """Return the figures of some models, by their places."""
        return Estimates(self.values[models], self.resampled[:, models])


def centred_means(ratings: Ratings, seed: int = 0, rows: slice = ALL) -> Estimates:
    """Return the mean that each model would have if every ballot had shown every model; usually 1 to 5.

    Least squares of rating = ballot + model, every rating with the same weight. The means of the models are the
    model effects plus the mean ballot effect. They can lie outside 1 to 5 where models met on few ballots. NaN: a
    model that no chain of ballots compares with the largest group of models (largest by ratings).

    The resamples draw people and queries with replacement, independently. A ballot counts as often as its person
    times as often as its query: the pigeonhole bootstrap. It covers other people and other queries, and overstates
    the share of the variance that is neither's. Models see the same resamples, so differences are paired. The same
    ratings give the same resamples. rows: of which ballots; people and queries are drawn from those of all.

    Source: A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007), 386-411.
    """
    sums = weighted_sums(ratings, lambda part: ballot_features(ratings.values[part]), seed, rows=rows)
    means = solved_means(sums, ratings.values.shape[1])
    return Estimates(means[0], means[1:])


def weighted_sums(
    ratings: Ratings,
    features: Callable[[slice], Floats],
    seed: int = 0,
    resamples: int = RESAMPLES,
    rows: slice = ALL,
) -> Floats:
    """Return the sums of features over the ballots of each of the first resamples [1 + resamples, F].

    The first row sums the ratings as they are. features: those of a part of the ballots [b, F]. rows: of which ballots.
    """
    people, queries = (counts[: 1 + resamples] for counts in two_way_counts(ratings, seed))
    sums = np.zeros((len(people), features(slice(0, 0)).shape[1]))
    first, last, _ = rows.indices(len(ratings.people))
    for start in range(first, last, _BALLOTS_AT_ONCE):
        part = slice(start, min(start + _BALLOTS_AT_ONCE, last))
        weights = people[:, ratings.people_places[part]] * queries[:, ratings.query_places[part]]
        sums += weights @ features(part)
    return sums


def two_way_counts(ratings: Ratings, seed: int = 0) -> tuple[Floats, Floats]:
    """Return how often each resample draws each person [1 + RESAMPLES, P] and query [1 + RESAMPLES, Q].

    The first row draws everyone once: the ratings as they are.
    """
    random = np.random.default_rng(seed)
    counts = []
    for places in (ratings.people_places, ratings.query_places):
        number = int(places.max()) + 1
        drawn = random.multinomial(number, np.full(number, 1 / number), RESAMPLES)
        counts.append(np.vstack([np.ones((1, number)), drawn]))
    return counts[0], counts[1]


def ballot_features(values: Floats) -> Floats:
    """Return what the normal equations add up over ballots [B, M (M + 1) / 2 + 3 M].

    The upper triangle of their matrix, their right side, each model's share of the ballot, and that share times the
    ballot's mean.
    """
    shown = (~np.isnan(values)).astype(np.float64)
    number = np.maximum(shown.sum(axis=1), 1)[:, None]
    ballot_mean = np.nan_to_num(values).sum(axis=1)[:, None] / number
    share = shown / number
    first, second = np.triu_indices(values.shape[1])
    matrix = np.where(first == second, shown[:, first], 0) - shown[:, first] * share[:, second]
    return np.hstack([matrix, np.nan_to_num(values) - shown * ballot_mean, share, share * ballot_mean])


def solved_means(sums: Floats, models: int) -> Floats:
    """Return the means [R, M] from the sums [R, features]."""
    corner = models * (models + 1) // 2
    matrix = np.zeros((len(sums), models, models))
    first, second = np.triu_indices(models)
    matrix[:, first, second] = matrix[:, second, first] = sums[:, :corner]
    right, share, level = (sums[:, corner + at * models : corner + (at + 1) * models] for at in range(3))
    linked = linked_models(matrix)
    # By the ballots of the ratings as they are, and within their group: else groups of about one size would take turns.
    whole = np.where(largest_group(linked[:1], share[0]), share[0], 0)[0]
    inside = largest_group(linked, whole)
    both = inside[:, :, None] & inside[:, None, :]
    # Effects are fixed up to a constant; adding 1 everywhere makes their sum 0. Outside the group: effect 0, dropped.
    effects = np.linalg.solve(np.where(both, matrix + 1, np.eye(models)), np.where(inside, right, 0)[..., None])[..., 0]
    ballots = np.where(inside, share, 0).sum(axis=1)
    total = np.where(inside, level - share * effects, 0).sum(axis=1)
    base = np.divide(total, ballots, out=np.full(len(sums), np.nan), where=ballots > 0)
    return np.where(inside & (share > 0), effects + base[:, None], np.nan)


def linked_models(matrix: Floats) -> Bools:
    """Return which models [R, M, M] a chain of ballots compares."""
    linked: Bools = (matrix != 0) | np.eye(matrix.shape[1], dtype=bool)
    for _ in range(max(1, matrix.shape[1] - 1).bit_length()):  # each step doubles the length of chains
        linked = (linked.astype(np.float32) @ linked.astype(np.float32)) > 0
    return linked


def largest_group(linked: Bools, share: Floats) -> Bools:
    """Return which models [R, M] belong to the group with the most ballots; share [M]: each model's of them."""
    largest: Bools = linked[np.arange(len(linked)), (linked @ share).argmax(axis=1)]
    return largest


@dataclass(frozen=True)
class PairIntervals:
    """Pairs of models by their places [P], their differences (first - second) and the half-widths of intervals.

    The intervals of all pairs hold together. errors: the bootstrap's standard errors of the differences.
    """

    first: Ints
    second: Ints
    differences: Floats
    limits: Floats
    errors: Floats


def pair_intervals(estimates: Estimates, factors: Floats, level: float = 0.95) -> PairIntervals:
    """Return simultaneous intervals of the differences of every two models that have an interval.

    factors [M]: widening of each model's intervals (`rating_statistics.widening`), NaN where a model has none. The
    intervals of all pairs hold together at the level: their half-widths are one multiple of the bootstrap's standard
    errors, the quantile of the largest deviation of a resample over all pairs.
    """
    ranked = ~np.isnan(estimates.values)
    first, second = np.triu_indices(len(ranked), 1)
    pairs = (ranked & ~np.isnan(factors))[np.stack([first, second])].all(axis=0)
    first, second = first[pairs], second[pairs]
    differences = estimates.values[first] - estimates.values[second]
    limits, errors = _simultaneous(estimates, first, second, level)
    return PairIntervals(first, second, differences, limits * np.maximum(factors[first], factors[second]), errors)


def rank_ranges(estimates: Estimates, factors: Floats, level: float = 0.95) -> list[tuple[int, int] | None]:
    """Return the best and the worst rank that simultaneous intervals leave open, for each model; 1 is the highest.

    factors: see `pair_intervals`; a model without an interval has the range None, and may be above or below any
    other. Two models are in order if 0 lies outside the interval of their difference. A pair without any spread is in
    order if it differs.
    """
    ranked = ~np.isnan(estimates.values)
    pairs = pair_intervals(estimates, factors, level)
    above = [0] * len(ranked)
    below = [0] * len(ranked)
    for one, other, difference, limit in zip(pairs.first, pairs.second, pairs.differences, pairs.limits, strict=True):
        if abs(difference) > max(limit, 1e-9):
            higher, lower = (one, other) if difference > 0 else (other, one)
            above[lower] += 1
            below[higher] += 1
    number = int(ranked.sum())
    return [
        (1 + above[place], number - below[place]) if ranked[place] and not np.isnan(factors[place]) else None
        for place in range(len(ranked))
    ]


def _simultaneous(estimates: Estimates, first: Ints, second: Ints, level: float) -> tuple[Floats, Floats]:
    """Return the half-widths [pairs] of intervals of differences that hold together, and the standard errors."""
    resampled = estimates.resampled[:, first] - estimates.resampled[:, second]
    deviations = np.abs(resampled - (estimates.values[first] - estimates.values[second]))
    deviations = deviations[~np.isnan(deviations).any(axis=1)]
    if not deviations.size:
        return np.full(len(first), np.inf), np.full(len(first), np.inf)
    errors = np.sqrt((deviations**2).mean(axis=0))
    ratios = np.divide(deviations, errors, out=np.zeros(deviations.shape), where=errors > 1e-9)
    return np.quantile(ratios.max(axis=1), level) * errors, errors


def interval_of(estimates: Estimates, place: int, factor: float) -> tuple[float, float] | None:
    """Return the 95 % interval of a model's figure, widened by a factor; None where too many resamples lack it."""
    resampled = estimates.resampled[:, place]
    return widened(interval(resampled), factor) if estimable(resampled) else None
