"""Selection of a ballot's columns where more models compete than fit: half at random, half where ratings help most.

Random columns keep every two models comparable, whatever the ratings so far say. The closest contests alone would
follow chance: they order models worse than random columns do (`python -m benchmarks.ratings`).
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, sqrt
from statistics import median

LARGEST_VARIANCE = 4.0
"""Of ratings 1 to 5: half of them 1, half of them 5."""

Pair = frozenset[int]


@dataclass(frozen=True)
class Standing:
    """A model's ratings so far: their number, their sum, and the sum of their squares."""

    count: int
    total: int
    squares: int

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def error(self) -> float:
        """The squared standard error of the mean, with one more rating of the largest variance added.

        (SS + 4) / n^2, where SS is the sum of squared distances from the mean: 4 after one rating, then towards
        variance / n; never 0, so that two equal ratings do not look certain.
        """
        spread = self.squares - self.total * self.mean
        return (spread + LARGEST_VARIANCE) / self.count**2


def closeness(first: Standing | None, second: Standing | None) -> float:
    """Return how many standard errors lie between two models' means; 0 where one has no ratings. Lower is closer.

    |mean a - mean b| / sqrt(error a + error b), each mean over all blind ratings of that model.
    """
    if first is None or second is None:
        return 0.0
    return abs(first.mean - second.mean) / sqrt(first.error + second.error)


def contests_between(models: Collection[int], stand: Mapping[int, Standing]) -> dict[Pair, float]:
    """Return the closeness of every two models by the pair."""
    return {frozenset(pair): closeness(*map(stand.get, pair)) for pair in combinations(models, 2)}


@dataclass(frozen=True)
class Selection:
    """The models of a ballot's columns, in no order that means anything.

    propensities: of each, the probability that the ballot shows it, over the draw of the random half.
    """

    models: Sequence[int]
    propensities: Mapping[int, float]


def select_columns(models: Sequence[int], most: int, stand: Mapping[int, Standing], chance: random.Random) -> Selection:
    """Return at most that many models: half of them at random, then one by one those whose ratings help most.

    That is a model with less than half of the median number of ratings, the fewest first; without one, the model
    whose contest with a model already selected is the closest. A tie is broken at random, before the random half is
    drawn: given that, propensities are exact.
    """
    if len(models) <= most:
        return Selection(list(models), dict.fromkeys(models, 1.0))
    order = chance.sample(list(models), len(models))  # whoever comes first wins a tie
    contests = contests_between(order, stand)
    counts = {model: stand[model].count if model in stand else 0 for model in order}
    half = (most + 1) // 2
    shown = {
        drawn: completed_columns(drawn, most, order, counts, contests)
        for drawn in combinations(range(len(order)), half)
    }
    times = dict.fromkeys(order, 0)
    for selected in shown.values():
        for model in selected:
            times[model] += 1
    selected = shown[tuple(sorted(chance.sample(range(len(order)), half)))]
    return Selection(selected, {model: times[model] / comb(len(order), half) for model in selected})


def completed_columns(
    drawn: Sequence[int], most: int, order: Sequence[int], counts: Mapping[int, int], contests: Mapping[Pair, float]
) -> list[int]:
    """Return the models at these places of the order, and those that are selected after them."""
    selected = [order[place] for place in drawn]
    few = median(counts.values()) / 2
    while len(selected) < most:
        rest = [model for model in order if model not in selected]
        behind = [model for model in rest if counts[model] < few]
        if behind:
            selected.append(min(behind, key=counts.__getitem__))
        else:
            closest = {model: min(contests[frozenset((model, other))] for other in selected) for model in rest}
            selected.append(min(rest, key=closest.__getitem__))
    return selected
