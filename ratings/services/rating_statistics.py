"""Statistics of blind ratings: bootstrap intervals, rank correlation, agreement. Arrays in, numbers out."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 1000
FEWEST_RATINGS = 5
"""Of a model: resamples of fewer ratings hardly differ, so their interval would be far too narrow."""

_WEIGHTS_AT_ONCE = 1 << 22
"""Bound on resamples x ballots held at a time: 32 MiB."""


@dataclass(frozen=True)
class Ratings:
    """B ballots on M models. people [B] and queries [B]: keys; values [B, M]: ratings 1 to 5, NaN where not shown."""

    people: Ints
    queries: Ints
    values: Floats

    @property
    def counts(self) -> Ints:
        """Number of ratings of each model [M]."""
        counted: Ints = (~np.isnan(self.values)).sum(axis=0)
        return counted


def resampled_means(ratings: Ratings, seed: int = 0) -> Floats:
    """Return every model's mean [RESAMPLES, M] over resampled ratings, NaN where a resample has none of a model's.

    People are drawn with replacement, then as many ballots as each drawn person has: the ratings of one
    person are not independent. Models see the same resamples, so differences between them are paired. The same
    ratings give the same resamples.
    """
    random = np.random.default_rng(seed)
    people = np.unique(ratings.people, return_inverse=True)[1]
    members = [np.flatnonzero(people == person) for person in range(people.max() + 1)]
    shown = (~np.isnan(ratings.values)).astype(np.float64)
    values = np.nan_to_num(ratings.values)
    parts = []
    block = max(1, _WEIGHTS_AT_ONCE // len(people))
    for start in range(0, RESAMPLES, block):
        count = min(block, RESAMPLES - start)
        times = random.multinomial(len(members), np.full(len(members), 1 / len(members)), count)
        weights = np.empty((count, len(people)))
        for person, ballots in enumerate(members):
            share = np.full(len(ballots), 1 / len(ballots))
            weights[:, ballots] = random.multinomial(times[:, person] * len(ballots), share)
        drawn = weights @ shown
        parts.append(np.divide(weights @ values, drawn, out=np.full(drawn.shape, np.nan), where=drawn > 0))
    return np.concatenate(parts)


def interval(resampled: Floats, level: float = 0.95) -> tuple[float, float] | None:
    """Return the percentile interval of resampled values [RESAMPLES], NaN left out; None when nothing is left."""
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def kendall_tau_b(measured: Floats, rated: Floats) -> Floats:
    """Return Kendall's tau-b [R] between measured [M] and each row of rated [R, M]; NaN where either is all ties.

    (concordant - discordant) / sqrt(pairs untied in one * pairs untied in the other); -1 to 1. Rated means
    are rounded to 9 digits, so that equal means are equal. A row with a NaN gives NaN.
    """
    first, second = np.array(list(combinations(range(len(measured)), 2))).T
    ours = np.sign(measured[first] - measured[second])
    rounded = np.round(rated, 9)
    theirs = np.sign(rounded[:, first] - rounded[:, second])
    untied = np.sqrt((ours != 0).sum() * (theirs != 0).sum(axis=1).astype(np.float64))
    tau: Floats = np.divide(theirs @ ours, untied, out=np.full(len(rated), np.nan), where=untied > 0)
    return tau


def share_in_order(resampled: Floats) -> float:
    """Return the share of resampled differences [RESAMPLES] that are above 0; a tie counts half, NaN not at all."""
    defined = resampled[~np.isnan(resampled)]
    return float((defined > 1e-9).mean() + (np.abs(defined) <= 1e-9).mean() / 2)


def agreement_between_people(ratings: Ratings) -> tuple[float, int] | None:
    """Return the share of comparisons in which two people agree, and how many comparisons there are.

    A comparison is two people, one query and two models that both rated there. They agree when both put the
    same model higher, or both put the two level. None where no two people rated the same query.
    """
    first, second = np.array(list(combinations(range(ratings.values.shape[1]), 2)), dtype=int).reshape(-1, 2).T
    agreed = compared = 0
    for query in np.unique(ratings.queries):
        values = ratings.values[ratings.queries == query]
        orders = np.sign(values[:, first] - values[:, second])  # [people, pairs of models], NaN where not both shown
        people = (~np.isnan(orders)).sum(axis=0)
        compared += int((people * (people - 1)).sum()) // 2
        for order in (-1, 0, 1):
            alike = (orders == order).sum(axis=0)
            agreed += int((alike * (alike - 1)).sum()) // 2
    return (agreed / compared, compared) if compared else None
