"""The null distribution of differences between rows: signs of whole classes flipped, seeds drawn anew.

Source of the parts: sign flips of clusters as a randomisation test, Canay, Romano and Shaikh, "Randomization Tests
under an Approximate Symmetry Assumption", Econometrica 2017; statistics studentised in each draw, Romano and Wolf,
"Exact and Approximate Stepdown Methods for Multiple Hypothesis Testing", JASA 2005; degrees of freedom, Satterthwaite,
"An Approximate Distribution of Estimates of Variance Components", Biometrics Bulletin 1946.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NUMBERS_AT_ONCE = 1 << 19
"""Bound on draws x pairs held in one array: 4 MiB. About a dozen such arrays are held at a time."""

_LEAST_SHARE = 1e-12
_ROUNDING = 1e-9
"""Least spread that is more than rounding: of a pair's squares over classes, and of the largest value."""

_NO_DIFFERENCE = 1e-12
"""A difference of less, in units of the largest value, is rounding."""


@dataclass(frozen=True)
class RowStatistics:
    """What the tests need of R rows measured on N queries in C classes.

    sums [C, R]: what the queries of a class earned together, mean over a row's seeds. sizes [C]: queries of each class.
    seeds [R]: how many seeds a row has. seed_variance [R]: variance of a row's mean by its seeds, s^2 / S, which holds
    the interaction of seeds and classes too; that part alone is `interaction` [R]. It is in the spread over classes
    already, so it is taken off once. Both are 0 for a row of one seed. scale: the largest absolute value.
    """

    sums: Floats
    sizes: Floats
    seeds: Ints
    seed_variance: Floats
    interaction: Floats
    scale: float

    @property
    def has_noise(self) -> bool:
        """Whether any row differs between its seeds."""
        return bool((self.seed_variance > 0).any())

    def part(self, rows: Sequence[int]) -> "RowStatistics":
        """Return the statistics of some of the rows."""
        kept = list(rows)
        return RowStatistics(
            self.sums[:, kept],
            self.sizes,
            self.seeds[kept],
            self.seed_variance[kept],
            self.interaction[kept],
            self.scale,
        )


def row_statistics(labels: Ints, rows: Sequence[Floats]) -> RowStatistics:
    """Return the statistics of rows, each [S, Q] (S may differ), of queries with labels [Q].

    The order of queries does not matter. With one class the interaction is 0: it cannot be told from the seeds.
    """
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=labels[order][0] - 1))
    sizes = np.diff(np.append(starts, len(labels))).astype(np.float64)
    sums, seed_variance, interaction = [], [], []
    for values in rows:
        by_seed = np.add.reduceat(values[:, order], starts, axis=1)  # [S, C]
        total, seed_part = _seed_parts(by_seed, sizes)
        sums.append(total)
        seed_variance.append(seed_part[0])
        interaction.append(seed_part[1])
    return RowStatistics(
        np.stack(sums, axis=1),
        sizes,
        np.array([len(values) for values in rows]),
        np.array(seed_variance),
        np.array(interaction),
        max(float(np.abs(values).max()) for values in rows),
    )


def _seed_parts(by_seed: Floats, sizes: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return the mean over seeds [C] of class sums [S, C], the variance of the mean by seeds, and its interaction."""
    seeds, classes = by_seed.shape
    total: Floats = by_seed.mean(axis=0)
    if seeds < 2 or (by_seed == by_seed[0]).all():  # rounding is no training noise
        return total, (0.0, 0.0)
    means = by_seed.sum(axis=1) / sizes.sum()
    variance = float(means.var(ddof=1) / seeds)
    if classes < 2:
        return total, (variance, 0.0)
    left = by_seed - total - np.outer(means - means.mean(), sizes)
    squares = float((left**2).sum()) * classes / (classes - 1)
    return total, (variance, squares / ((seeds - 1) * seeds * sizes.sum() ** 2))


@dataclass(frozen=True)
class PairStatistics:
    """Differences [..., P] with their squared standard errors, degrees of freedom, and their size on one scale.

    squares_of_classes: the part of the squared error that comes from classes. scores: signed; of the standard normal
    distribution where the difference is 0, whatever the degrees of freedom, so that pairs can be compared.
    """

    differences: Floats
    squares: Floats
    freedom: Floats
    scores: Floats
    squares_of_classes: Floats


class SignFlips:
    """Every pair of rows under the null hypothesis of no difference, all pairs in the same draws.

    A draw flips the sign of whole classes, the same for all rows. It draws each row's training noise from a normal
    distribution with the variance that its seeds show, and their variance from the chi-squared distribution. Trainings
    of two rows count as independent. It then computes difference, error and degrees of freedom as of the real data.
    """

    def __init__(self, rows: RowStatistics) -> None:
        """rows: two rows or more, and two classes or more."""
        self.rows = rows
        self.pairs = list(combinations(range(rows.sums.shape[1]), 2))
        self.first, self.second = np.array(self.pairs).T
        # What all rows share cancels in each difference; without it squares of differences lose no digits.
        self._sums = rows.sums - rows.sums.mean(axis=1, keepdims=True)
        self._weighted = self._sums * rows.sizes[:, None]
        gram = self._sums.T @ self._sums
        squares = np.diag(gram)
        self._squares = squares[self.first] + squares[self.second] - 2 * gram[self.first, self.second]  # [P]
        self.observed = self._statistics(np.ones((1, len(rows.sizes))), 0.0, rows.seed_variance)

    def draws(self, count: int, random: np.random.Generator) -> Iterator[Floats]:
        """Yield scores [block, P] under the null hypothesis, about `count` in all, in blocks of bounded memory.

        All 2^C flips, each as often, where these are at most `count`: once if no row has training noise.
        """
        classes, every = len(self.rows.sizes), self._flips
        total = count
        if every <= count:
            total = every * (count // every if self.rows.has_noise else 1)
        block = max(1, _NUMBERS_AT_ONCE // max(len(self.pairs), classes))
        for start in range(0, total, block):
            size = min(block, total - start)
            if every <= count:
                bits = (np.arange(start, start + size)[:, None] % every) >> np.arange(classes) & 1
            else:
                bits = random.integers(0, 2, (size, classes), dtype=np.int8)
            yield self._statistics(np.where(bits, -1.0, 1.0), *self._noise(size, random)).scores

    def holds_observed(self, count: int) -> bool:
        """Whether the observed signs are one of `draws`: a p-value is then their share, with no 1 added."""
        return self._flips <= count and not self.rows.has_noise

    @property
    def _flips(self) -> int:
        return 1 << len(self.rows.sizes)

    def _noise(self, size: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Return what seeds add to the rows' means, and the variance that they show [size, R]."""
        rows, shape = self.rows, (size, len(self.rows.seeds))
        if not rows.has_noise:
            return np.zeros(shape), np.zeros(shape)
        alone = np.maximum(rows.seed_variance - rows.interaction, 0)
        freedom = np.where(rows.seed_variance > 0, rows.seeds - 1, 1)
        shown = (alone + rows.interaction) * random.chisquare(freedom, shape) / freedom
        return random.standard_normal(shape) * np.sqrt(alone), shown

    def _statistics(self, signs: Floats, noise: Floats | float, seed_variance: Floats) -> PairStatistics:
        """Return the statistics of pairs for signs [D, C], noise [D, R] and the variance that seeds show [D, R]."""
        rows = self.rows
        total, classes = rows.sizes.sum(), len(rows.sizes)
        means = signs @ self._sums / total  # [D, R]
        weighted = signs @ self._weighted
        by_class = means[:, self.first] - means[:, self.second]
        cross = weighted[:, self.first] - weighted[:, self.second]
        # Sum over classes of (sign x difference - size x mean difference)^2; the squares know no sign.
        left = self._squares - 2 * by_class * cross + by_class**2 * (rows.sizes @ rows.sizes)
        left = np.maximum(left, _LEAST_SHARE * np.maximum(self._squares, 0))
        of_classes = left * classes / (classes - 1) / total**2 + (_ROUNDING * rows.scale) ** 2
        seeds = np.broadcast_to(np.maximum(seed_variance - rows.interaction, 0), means.shape)
        fourth = seeds**2 / np.maximum(rows.seeds - 1, 1)
        squares = of_classes + seeds[:, self.first] + seeds[:, self.second]
        parts = of_classes**2 / (classes - 1) + fourth[:, self.first] + fourth[:, self.second]
        # Where every value is 0 there is no spread at all, and no difference.
        freedom = np.divide(squares**2, parts, out=np.full_like(squares, classes - 1.0), where=parts > 0)
        of_seeds = np.broadcast_to(noise, means.shape)
        differences = by_class + of_seeds[:, self.first] - of_seeds[:, self.second]
        differences[np.abs(differences) < _NO_DIFFERENCE * rows.scale] = 0
        ratios = np.divide(differences**2, squares, out=np.zeros_like(squares), where=squares > 0)
        scores = np.sign(differences) * normal_score(ratios, freedom)
        return PairStatistics(differences, squares, freedom, scores, of_classes)


def normal_score(squares: Floats, freedom: Floats) -> Floats:
    """Return what a squared Student statistic with `freedom` is worth in normal deviations, at least 0.

    Source: Wallace, "Bounds on Normal Approximations to Student's and the Chi-Square Distributions", 1959.
    """
    scores: Floats = (8 * freedom + 1) / (8 * freedom + 3) * np.sqrt(freedom * np.log1p(squares / freedom))
    return scores


def student_value(scores: Floats | float, freedom: Floats) -> Floats:
    """Return the Student statistic whose `normal_score` this is."""
    values: Floats = np.sqrt(freedom * np.expm1((scores * (8 * freedom + 3) / (8 * freedom + 1)) ** 2 / freedom))
    return values
