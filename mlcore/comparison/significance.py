"""Statistical significance: which of many rows differ, by one test of all pairs, and which may be the best.

The rows are losses or systems measured on the same queries. What is tested is the mean over queries, so a class weighs
as many queries as it has. Classes are the independent units, as queries of one class are not; trainings with several
seeds show how much training itself varies. docs/comparing.md tells how it works and how it was checked.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlcore.comparison.sign_flips import Floats, Ints, PairStatistics, SignFlips, row_statistics, student_value
from mlcore.errors import MetricsError

DRAWS = 10_000
"""The least p-value is 1 / (DRAWS + 1), for any number of pairs; with C classes not below 2 / 2^C."""

LEVEL = 0.05
FEWEST_SEEDS = 2
"""Fewest trainings of a row that show how much training varies."""

METHOD = "sign flips"
"""How reports and job results name this test; results of before have none."""

BETTER, WORSE, UNCLEAR, ONE_SEED = "better", "worse", "cannot tell", "one seed"
OPPOSITE = {BETTER: WORSE, WORSE: BETTER, UNCLEAR: UNCLEAR, ONE_SEED: ONE_SEED}
CONCLUSION_TEXTS = {
    BETTER: "better",
    WORSE: "worse",
    UNCLEAR: "no significant difference",
    ONE_SEED: "one seed: no conclusion",
}
"""Each conclusion in words."""

_TIE = 1e-9
"""Scores that differ by less are equal: rounding must not decide."""


@dataclass(frozen=True)
class Pair:
    """Two rows compared: mean of `first` minus mean of `second`, in the unit of the values.

    low, high: 95 % interval of the difference; None with one class. Of tested pairs it is simultaneous: in 95 of 100
    tables all intervals of the table hold their true differences. Of a pair with one seed it is of this pair alone,
    over queries and classes, for these very trainings. p: of this pair alone. p_adjusted: corrected for all tested
    pairs of the table. Both are None where a trained row has one seed. seeds: the fewest of the two rows; a row that
    no seed changes does not count, unless both are such rows.
    """

    first: str
    second: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    seeds: int

    @property
    def conclusion(self) -> str:
        """Whether `first` is better than `second`, worse, or cannot be told from it, at 5 %; ONE_SEED: not tested."""
        if self.p_adjusted is None:
            return ONE_SEED
        if self.p_adjusted >= LEVEL or self.difference == 0:
            return UNCLEAR
        return BETTER if self.difference > 0 else WORSE

    def to_json(self) -> dict[str, Any]:
        """Return the fields and the conclusion as plain JSON values."""
        return {**vars(self), "conclusion": self.conclusion}


@dataclass(frozen=True)
class SignificanceTests:
    """The tests of a table.

    pairs: of every two rows, in the rows' order. may_be_best: whether a row may have the highest true mean, None for a
    row of one seed. In 95 of 100 tables the truly best of the tested rows is among them.
    """

    pairs: list[Pair]
    may_be_best: dict[str, bool | None]

    def level_with(self, best: str) -> dict[str, bool | None]:
        """Return `may_be_best` for a table whose highest mean is `best`: None for all where that was not tested."""
        if self.may_be_best[best] is None:
            return dict.fromkeys(self.may_be_best)
        return self.may_be_best | {best: True}


def compare_rows(
    labels: Ints,
    rows: Mapping[str, Mapping[int, Floats]],
    *,
    fixed: Collection[str] = (),
    draws: int | None = None,
    seed: int = 0,
) -> SignificanceTests:
    """Return the tests between every two rows and against the best.

    Pairs: sign flips of whole classes, studentised in every draw, with the step-down maximum over all pairs. The
    probability of one false decision or more in a table is 5 %. Best: the same draws, the one-sided maximum over the
    differences to each row (Hsu's multiple comparisons with the best).

    labels [Q]: the class of each query. rows: name -> seed -> what each query earned [Q]; higher is better. fixed:
    names of rows that no seed changes, such as baselines without training; their one result counts for every seed.
    A pair in which another row has one seed is not tested. With one class nothing differs significantly. draws: DRAWS
    by default. The same arguments give the same result, whatever the order of rows and queries.

    Raises:
        MetricsError: no queries, or values that do not fit the queries or are not finite.

    Source: Westfall and Young, "Resampling-Based Multiple Testing", 1993, algorithm 2.8; Hsu, "Simultaneous Confidence
    Intervals for All Distances from the 'Best'", Annals of Statistics 1981. `sign_flips` names those of its parts.
    """
    names = sorted(rows)  # so that their order changes no draw
    values = [_values(name, rows[name], labels) for name in names]
    if len(names) < 2:
        return SignificanceTests([], {name: _is_tested(name, rows, fixed) or None for name in rows})
    pairs, may_be_best = _pairs_by_name(names, values, labels, fixed=fixed, draws=draws or DRAWS, seed=seed)
    order = list(rows)
    ordered = [
        pairs[first, second] if (first, second) in pairs else _reversed(pairs[second, first])
        for place, first in enumerate(order)
        for second in order[place + 1 :]
    ]
    return SignificanceTests(ordered, {name: may_be_best.get(name) for name in order})


def _values(name: str, runs: Mapping[int, Floats], labels: Ints) -> Floats:
    if not len(labels) or not runs:
        raise MetricsError(f"nothing to compare: {len(labels)} queries, {len(runs)} seeds of {name}")
    if any(np.shape(values) != np.shape(labels) for values in runs.values()):
        raise MetricsError(f"{name} needs one value for each of {len(labels)} queries and seed")
    values = np.stack([np.asarray(runs[seed], np.float64) for seed in sorted(runs)])
    if not np.isfinite(values).all():
        raise MetricsError(f"{name} has a value that is not finite; a query without a value cannot be compared")
    return values


def _is_tested(name: str, rows: Mapping[str, Mapping[int, Floats]], fixed: Collection[str]) -> bool:
    return name in fixed or len(rows[name]) >= FEWEST_SEEDS


def _pairs_by_name(
    names: list[str], values: list[Floats], labels: Ints, *, fixed: Collection[str], draws: int, seed: int
) -> tuple[dict[tuple[str, str], Pair], dict[str, bool]]:
    statistics = row_statistics(labels, values)
    seeds = [len(runs) for runs in values]
    tested = [place for place, name in enumerate(names) if name in fixed or seeds[place] >= FEWEST_SEEDS]
    if len(statistics.sizes) < 2:
        return _of_one_class(names, values, seeds, tested, fixed), dict.fromkeys((names[row] for row in tested), True)
    everything = SignFlips(statistics)
    pairs = {}
    for place, (first, second) in enumerate(everything.pairs):
        low, high = _interval_over_classes(everything.observed, place, len(statistics.sizes))
        count = _seeds_of(names, seeds, fixed, first, second)
        difference = float(everything.observed.differences[0, place])
        pairs[names[first], names[second]] = Pair(names[first], names[second], difference, low, high, None, None, count)
    if len(tested) < 2:
        return pairs, dict.fromkeys((names[row] for row in tested), True)
    flips = SignFlips(statistics.part(tested))
    results = _Results(flips, draws, np.random.default_rng(seed))
    for place, (first, second) in enumerate(flips.pairs):
        key = names[tested[first]], names[tested[second]]
        pairs[key] = results.of(place, pairs[key])
    best = {names[row]: bool(p >= LEVEL) for row, p in zip(tested, results.p_best, strict=True)}
    return pairs, best


def _of_one_class(
    names: list[str], values: list[Floats], seeds: list[int], tested: list[int], fixed: Collection[str]
) -> dict[tuple[str, str], Pair]:
    """Return pairs without intervals: one class shows no spread over classes."""
    pairs = {}
    for first in range(len(names)):
        for second in range(first + 1, len(names)):
            p = 1.0 if first in tested and second in tested else None
            difference = float(values[first].mean() - values[second].mean())
            count = _seeds_of(names, seeds, fixed, first, second)
            pairs[names[first], names[second]] = Pair(names[first], names[second], difference, None, None, p, p, count)
    return pairs


def _seeds_of(names: list[str], seeds: list[int], fixed: Collection[str], first: int, second: int) -> int:
    return min((seeds[row] for row in (first, second) if names[row] not in fixed), default=1)


def _interval_over_classes(observed: PairStatistics, place: int, classes: int) -> tuple[float, float]:
    from scipy.special import stdtrit  # pages import this module, and compute nothing

    half = float(stdtrit(classes - 1, 1 - LEVEL / 2) * np.sqrt(observed.squares_of_classes[0, place]))
    difference = float(observed.differences[0, place])
    return difference - half, difference + half


def _reversed(pair: Pair) -> Pair:
    low, high = (None if end is None else 0.0 - end for end in (pair.high, pair.low))
    return replace(pair, first=pair.second, second=pair.first, difference=0.0 - pair.difference, low=low, high=high)


class _Results:
    """p-values and intervals of all pairs, and p-values of each row being the best, from one run of draws."""

    def __init__(self, flips: SignFlips, draws: int, random: np.random.Generator) -> None:
        from scipy.special import ndtri

        self.observed = flips.observed
        scores = np.abs(flips.observed.scores[0])
        order = np.argsort(-scores, kind="stable")
        lead = _largest_lead(flips, flips.observed.scores)[0]  # [R]
        alone, stepwise, against = np.zeros(len(scores)), np.zeros(len(scores)), np.zeros(len(lead))
        total, largest = 0, []
        for drawn in flips.draws(draws, random):
            total += len(drawn)
            against += (_largest_lead(flips, drawn) >= lead - _TIE).sum(axis=0)
            sizes = np.abs(drawn)
            alone += (sizes >= scores - _TIE).sum(axis=0)
            # Each pair is compared with the largest of itself and all pairs of smaller scores.
            maxima = np.maximum.accumulate(sizes[:, order[::-1]], axis=1)[:, ::-1]
            stepwise += (maxima >= scores[order] - _TIE).sum(axis=0)
            largest.append(maxima[:, 0])
        added = 0 if flips.holds_observed(draws) else 1
        # Training noise is drawn anew, so a draw with the observed signs may stay below what was observed.
        least = 1 / 2.0 ** len(flips.rows.sizes)
        self.p = np.maximum((added + alone) / (added + total), 2 * least)
        self.p_adjusted = np.empty(len(scores))
        self.p_adjusted[order] = np.maximum.accumulate((added + stepwise) / (added + total))
        self.p_adjusted = np.maximum(self.p_adjusted, 2 * least)
        self.p_best = np.maximum((added + against) / (added + total), least)
        # Few classes have too few flips for a 5 % tail: never narrower than an interval of one pair.
        critical = np.quantile(np.concatenate(largest), 1 - LEVEL, method="higher")
        self._critical = max(float(critical), float(ndtri(1 - LEVEL / 2)))

    def of(self, place: int, pair: Pair) -> Pair:
        """Return a pair, the one at this place, with interval and p-values."""
        square, freedom = self.observed.squares[0, place], self.observed.freedom[0, place]
        half = float(student_value(self._critical, freedom) * np.sqrt(square))
        low, high = pair.difference - half, pair.difference + half
        return replace(pair, low=low, high=high, p=float(self.p[place]), p_adjusted=float(self.p_adjusted[place]))


def _largest_lead(flips: SignFlips, scores: Floats) -> Floats:
    """Return [D, R], the largest score of any other row over each row, from the scores [D, P] of pairs."""
    count = flips.rows.sums.shape[1]
    table = np.full((len(scores), count, count), -np.inf)
    table[:, flips.first, flips.second] = -scores
    table[:, flips.second, flips.first] = scores
    lead: Floats = table.max(axis=2)
    return lead
