"""Intervals of single rows: a bootstrap of test classes, their queries, and seeds."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 10_000
_WEIGHTS_AT_ONCE = 1 << 24
"""Bound on resamples x queries held at a time: 128 MiB."""


class Resampled:
    """The means of every row and seed under the same resamples of test classes and their queries.

    Classes are drawn with replacement, then as many queries as each drawn class has: queries of one class
    are not independent. All rows see the same draws.
    """

    def __init__(self, labels: Ints, rows: Mapping[str, Mapping[int, Floats]], seed: int = 0) -> None:
        """labels [Q]: the class of each query. rows: name -> seed -> what each query earned [Q]."""
        self.rows, self.seed = rows, seed
        self.units = [(name, run) for name, runs in rows.items() for run in runs]
        values = np.stack([rows[name][run] for name, run in self.units], axis=1)
        self.drawn = _resampled_means(values, labels, np.random.default_rng(seed))
        self._seed_weights: dict[int, Floats] = {}

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the percentile interval of a row's mean over classes, queries and, if several, seeds."""
        seeds = sorted(self.rows[name])
        drawn = self._over_seeds(self.drawn[:, self._places(name, seeds)])
        tail = (1 - level) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return float(low), float(high)

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
