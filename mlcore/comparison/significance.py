"""Statistical significance: paired bootstrap tests between every two rows, corrected by Holm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 10_000
"""The least p-value is 1 / (RESAMPLES + 1); Holm multiplies it by the number of pairs, 325 for 26 rows."""

LEVEL = 0.05
_WEIGHTS_AT_ONCE = 1 << 24
"""Bound on resamples x queries held at a time: 128 MiB."""

BETTER, WORSE, UNCLEAR = "better", "worse", "cannot tell"


@dataclass(frozen=True)
class Pair:
    """Two rows compared: mean of `first` minus mean of `second`, as a fraction of 1.

    p is of this pair alone; holm is p corrected for all pairs of the table. seeds: how many both have.
    """

    first: str
    second: str
    difference: float
    p: float
    holm: float
    seeds: int

    @property
    def verdict(self) -> str:
        """Whether `first` is better than `second`, worse, or cannot be told from it, at 5 %."""
        if self.holm >= LEVEL or self.difference == 0:
            return UNCLEAR
        return BETTER if self.difference > 0 else WORSE


class Resampled:
    """The means of every row and seed under the same resamples of test classes and their queries.

    Classes are drawn with replacement, then as many queries as each drawn class has: queries of one class
    are not independent. All rows see the same draws, so differences between them are paired.
    """

    def __init__(self, labels: Ints, rows: Mapping[str, Mapping[int, Floats]], seed: int = 0) -> None:
        """labels [Q]: the class of each query. rows: name -> seed -> what each query earned [Q]."""
        self.rows, self.seed = rows, seed
        self.units = [(name, run) for name, runs in rows.items() for run in runs]
        values = np.stack([rows[name][run] for name, run in self.units], axis=1)
        self.means = values.mean(axis=0)
        self.drawn = _resampled_means(values, labels, np.random.default_rng(seed))
        self._seed_weights: dict[int, Floats] = {}

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the percentile interval of a row's mean over classes, queries and, if several, seeds."""
        seeds = sorted(self.rows[name])
        drawn = self._over_seeds(self.drawn[:, self._places(name, seeds)])
        tail = (1 - level) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return float(low), float(high)

    def pairs(self) -> list[Pair]:
        """Return the test between every two rows that share a seed, in the rows' order.

        A pair's p-value is the share of resamples whose difference lies as far from the observed one as
        that lies from 0: the distribution, shifted to the null (Efron and Tibshirani 1993, chapter 16).
        """
        raw = []
        for first, second in combinations(self.rows, 2):
            seeds = sorted(self.rows[first].keys() & self.rows[second].keys())
            if seeds:
                raw.append((first, second, *self._test(first, second, seeds), len(seeds)))
        corrected = holm([p for _, _, _, p, _ in raw])
        return [Pair(*values[:4], adjusted, values[4]) for values, adjusted in zip(raw, corrected, strict=True)]

    def _test(self, first: str, second: str, seeds: Sequence[int]) -> tuple[float, float]:
        ours, theirs = self._places(first, seeds), self._places(second, seeds)
        observed = float(self.means[ours].mean() - self.means[theirs].mean())
        drawn = self._over_seeds(self.drawn[:, ours] - self.drawn[:, theirs])
        # Rounding must not make two equal distances unequal.
        as_far = np.abs(drawn - observed) >= abs(observed) - 1e-12
        return observed, float((1 + as_far.sum()) / (1 + len(drawn)))

    def _places(self, name: str, seeds: Sequence[int]) -> list[int]:
        return [self.units.index((name, seed)) for seed in seeds]

    def _over_seeds(self, drawn: Floats) -> Floats:
        """Return the mean [resamples] of drawn [resamples, seeds], the seeds drawn with replacement too."""
        count = drawn.shape[1]
        if count not in self._seed_weights:
            random = np.random.default_rng([self.seed, count])
            self._seed_weights[count] = random.multinomial(count, np.full(count, 1 / count), len(drawn)) / count
        means: Floats = (drawn * self._seed_weights[count]).sum(axis=1)
        return means


def _resampled_means(values: Floats, labels: Ints, random: np.random.Generator) -> Floats:
    """Return [RESAMPLES, U], the means of values [Q, U] over queries drawn class by class."""
    classes = np.unique(labels, return_inverse=True)[1]
    members = [np.flatnonzero(classes == label) for label in range(classes.max() + 1)]
    block = max(1, _WEIGHTS_AT_ONCE // len(labels))
    parts = []
    for start in range(0, RESAMPLES, block):
        count = min(block, RESAMPLES - start)
        times = random.multinomial(len(members), np.full(len(members), 1 / len(members)), count)  # [count, classes]
        weights = np.empty((count, len(labels)))
        for label, queries in enumerate(members):
            share = np.full(len(queries), 1 / len(queries))
            weights[:, queries] = random.multinomial(times[:, label] * len(queries), share)
        parts.append(weights @ values / weights.sum(axis=1, keepdims=True))
    return np.concatenate(parts)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for all of them together, step by step from the least.

    Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for step, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[place] * (len(p_values) - step)))
        corrected[place] = largest
    return corrected
