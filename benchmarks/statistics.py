"""Whether the tests between rows keep what they promise: simulations in which the truth is known.

Scores are drawn: classes differ from row to row, queries within a class, and trainings. The training noise is given in
units of the standard error over classes and queries (r): at r = 1 trainings vary as much as the queries' mean does.
Each rate has its 95 % interval (Clopper and Pearson). A rate that should be 5 % is kept if the interval's lower end is
at most 5 %. A row's interval is kept if it holds the true value in .92 to .99 of data sets, within the same error.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from benchmarks.measuring import parser, report
from mlcore.comparison.significance import BETTER, ONE_SEED, WORSE, SignificanceTests, compare_rows
from mlcore.evaluation.evaluate import score, summarise
from mlcore.evaluation.metric_table import figures_of

Floats = NDArray[np.float64]
Table = dict[str, dict[int, Floats]]

ROWS, PER_CLASS = 10, 6
NOMINAL = 0.05
COVERAGE = (0.92, 0.99)
"""Bounds of the share of data sets in which a row's 95 % interval should hold the true value."""
BETWEEN_CLASSES, BETWEEN_QUERIES, BETWEEN_SEEDS = 1.0, 1.0, 0.5
"""Standard deviations: of a row in a class, of a query, and of a query from seed to seed."""


@dataclass(frozen=True)
class Design:
    """What a simulated table is like. noise: r above. true: the rows' true means in standard errors of a difference.

    uneven: classes have 1 to about 50 queries, values have the tails of Student's t with 5 degrees of freedom, and
    rows have training noise from a tenth to ten times the usual.
    """

    classes: int
    seeds: int
    noise: float = 0.0
    rows: int = ROWS
    true: tuple[float, ...] = ()
    uneven: bool = False

    @property
    def labels(self) -> NDArray[np.int64]:
        sizes = np.full(self.classes, PER_CLASS)
        if self.uneven:
            sizes = 1 + np.floor(np.random.default_rng(self.classes).lognormal(1.5, 0.8, self.classes)).astype(int)
        return np.repeat(np.arange(self.classes), sizes)

    @property
    def standard_error(self) -> float:
        """Standard error of a difference between two rows over classes and queries, in score units."""
        of_query = (BETWEEN_QUERIES**2 + BETWEEN_SEEDS**2 / self.seeds) / PER_CLASS
        return float(np.sqrt(2 * (BETWEEN_CLASSES**2 + of_query) / self.classes))

    def drawn(self, random: np.random.Generator) -> Table:
        """Return one table. The first row is `true[0]` standard errors above 0, and so on; the rest are at 0."""
        labels, error = self.labels, self.standard_error
        classes = BETWEEN_CLASSES * self._noise(random, (self.rows, self.classes))[:, labels]
        queries = classes + BETWEEN_QUERIES * self._noise(random, (self.rows, len(labels)))
        queries[: len(self.true)] += error * np.array(self.true)[:, None]
        trainings = random.normal(0, self.noise * error / np.sqrt(2), (self.rows, self.seeds, 1))
        if self.uneven:
            trainings *= np.exp(random.uniform(-1, 1, (self.rows, 1, 1)) * np.log(10))
        values = queries[:, None] + trainings
        values += random.normal(0, BETWEEN_SEEDS, values.shape)
        return {f"row {row:02}": dict(enumerate(of_row)) for row, of_row in enumerate(values)}

    def _noise(self, random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        return random.standard_t(5, shape) * np.sqrt(3 / 5) if self.uneven else random.standard_normal(shape)


def rate(design: Design, happens: Callable[[SignificanceTests], bool], tables: int, draws: int = 499) -> dict[str, Any]:
    """Return the share of simulated tables in which something happens, with its 95 % interval. Table n has seed n."""
    hits = 0
    for number in range(tables):
        rows = design.drawn(np.random.default_rng(number))
        hits += happens(compare_rows(design.labels, rows, draws=draws, seed=number))
    low, high = binomial_interval(hits, tables)
    return {"rate": round(hits / tables, 4), "low": round(low, 4), "high": round(high, 4), "tables": tables}


def binomial_interval(hits: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share by Clopper and Pearson, 1934."""
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, of - hits + 1, tail))
    return low, 1.0 if hits == of else float(betaincinv(hits + 1, of - hits, 1 - tail))


def any_decision(tests: SignificanceTests) -> bool:
    """Return whether any two rows are said to differ."""
    return any(pair.conclusion in (BETTER, WORSE) for pair in tests.pairs)


def first_pair_decided(tests: SignificanceTests) -> bool:
    """Return whether the first row is said to be better than the second."""
    return tests.pairs[0].conclusion == BETTER


def equal_rows_decided(tests: SignificanceTests) -> bool:
    """Return whether a decision is false, where the first four rows differ from all others and the rest are equal."""
    return any(pair.conclusion in (BETTER, WORSE) and min(pair.first, pair.second) >= "row 04" for pair in tests.pairs)


def best_is_missed(tests: SignificanceTests) -> bool:
    """Return whether the truly best row, the first, is not among those that may be best."""
    return not tests.may_be_best["row 00"]


def interval_misses(design: Design) -> Callable[[SignificanceTests], bool]:
    """Return what tells whether any interval of a table misses its true difference."""
    true = np.zeros(design.rows)
    true[: len(design.true)] = np.array(design.true) * design.standard_error

    def misses(tests: SignificanceTests) -> bool:
        for pair in tests.pairs:
            difference = true[int(pair.first[-2:])] - true[int(pair.second[-2:])]
            if pair.low is None or pair.high is None or not pair.low <= difference <= pair.high:
                return True
        return False

    return misses


def rows_that_differ(rows: int = 50, classes: int = 30, seeds: int = 3) -> dict[str, Any]:
    """Return how many pairs are decided where each row is 2 to 4 points above the one before, on every query.

    Trainings vary by 0.1 points, and each query from training to training by 5 points.
    """
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), PER_CLASS)
    steps = np.cumsum(random.uniform(0.02, 0.04, (rows, 1, len(labels))), axis=0)
    values = steps + random.normal(0, 0.001, (rows, seeds, 1)) + random.normal(0, 0.05, (rows, seeds, len(labels)))
    started = time.perf_counter()
    tests = compare_rows(labels, {f"row {row:02}": dict(enumerate(of_row)) for row, of_row in enumerate(values)})
    decided = sum(pair.conclusion == WORSE for pair in tests.pairs)
    return {"decided": decided, "pairs": len(tests.pairs), "seconds": round(time.perf_counter() - started, 2)}


def decisions_at_one_seed(tables: int) -> dict[str, Any]:
    """Return how many pairs are decided, or have a p-value, where each row has one seed and trainings vary much."""
    design, decided, pairs = Design(30, 1, noise=2.0), 0, 0
    for number in range(tables):
        tests = compare_rows(design.labels, design.drawn(np.random.default_rng(number)), draws=499)
        decided += sum(pair.conclusion != ONE_SEED or pair.p is not None for pair in tests.pairs)
        pairs += len(tests.pairs)
    return {"decided": decided, "pairs": pairs}


def coverage(classes: int, sets: int, spread: float = 1.0) -> dict[str, dict[str, Any]]:
    """Return in how many drawn data sets the interval of Recall@1 and of MAP@R holds the mean over all data sets.

    A data set has 10 pictures a class in 8 dimensions. `spread` is the median of the classes' spread around their
    centres, which differs from class to class; the larger, the harder is retrieval. Set n has seed n.
    """
    means: dict[str, list[float]] = {"recall_at_1": [], "map_at_r": []}
    bounds: dict[str, list[list[float]]] = {name: [] for name in means}
    labels = np.repeat(np.arange(classes), 10)
    for number in range(sets):
        random = np.random.default_rng(number)
        widths = spread * random.lognormal(0, 0.5, (classes, 1))
        pictures = random.normal(0, 1, (classes, 8))[labels] + widths[labels] * random.normal(0, 1, (len(labels), 8))
        measured = summarise(score(pictures.astype(np.float32), labels, ks=(1,)), labels)
        for name, value in figures_of(measured).items():
            if name in means:
                means[name].append(value)
                bounds[name].append(measured["intervals"][name])
    rates = {}
    for name, values in means.items():
        true = float(np.mean(values))
        held = sum(low <= true <= high for low, high in bounds[name])
        low, high = binomial_interval(held, sets)
        rates[name] = {"rate": round(held / sets, 4), "low": round(low, 4), "high": round(high, 4), "tables": sets}
    return rates


def figures(tables: int, sizes: tuple[int, ...], seeds: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    """Return every simulation's figures by what it simulates."""
    results: dict[str, dict[str, Any]] = {}
    for count in seeds:
        for classes in sizes:
            for noise in (0.0, 1.0, 2.0):
                name = f"{count} seeds, {classes} classes, r {noise:g}"
                equal = Design(classes, count, noise)
                results[f"any false of 45, {name}"] = rate(equal, any_decision, tables)
                some = Design(classes, count, noise, true=(20.0, 15.0, 10.0, 5.0))
                results[f"any false of 15 among 30 true, {name}"] = rate(some, equal_rows_decided, tables)
                near = Design(classes, count, noise, true=(1.0, 0.9, 0.8, 0.7))
                results[f"best row missed, {name}"] = rate(near, best_is_missed, tables)
                results[f"any interval missed, {name}"] = rate(near, interval_misses(near), tables)
                pair = Design(classes, count, noise, rows=2, true=(2.5,))
                results[f"power at 2.5 errors, {name}"] = rate(pair, first_pair_decided, tables)
    for classes in sizes:
        for noise in (1.0, 2.0, 4.0):
            name = f"2 seeds, {classes} classes, r {noise:g}"
            results[f"few seeds: any false of 45, {name}"] = rate(Design(classes, 2, noise), any_decision, tables)
        for count in seeds:
            uneven = Design(classes, count, 1.0, uneven=True)
            results[f"uneven: any false of 45, {count} seeds, {classes} classes"] = rate(uneven, any_decision, tables)
    for classes in (8, 20, 50, 98) if len(sizes) > 1 else (8,):
        for spread in (0.5, 1.0):
            for name, row in coverage(classes, tables // 2, spread).items():
                results[f"interval of a row holds, {name}, {classes} classes, spread {spread:g}"] = row
    results["50 rows that differ everywhere"] = rows_that_differ()
    results["one seed, r 2"] = decisions_at_one_seed(min(tables, 100))
    return results


def main() -> None:
    """Print the rates of wrong and right decisions with their binomial intervals."""
    options = parser(__doc__)
    options.add_argument("--tables", type=int, default=1000, help="simulated tables of each design (default: 1000)")
    arguments = options.parse_args()
    results = figures(4, (10,), (3,)) if arguments.quick else figures(arguments.tables, (10, 30, 98), (3, 5))
    report(results, verdicts(results), as_json=arguments.json)


def verdicts(results: dict[str, dict[str, Any]]) -> list[str]:
    """Return a sentence for each kind of promise: how many figures it has, and which of them break it."""
    errors = {name: row for name, row in results.items() if name.startswith(("any ", "best row"))}
    held = {name: row for name, row in results.items() if name.startswith("interval of a row")}
    wrong = [name for name, row in errors.items() if row["low"] > NOMINAL]
    missed = [name for name, row in held.items() if row["high"] < COVERAGE[0] or row["low"] > COVERAGE[1]]
    differ, single = results["50 rows that differ everywhere"], results["one seed, r 2"]
    return [
        f"{len(errors)} rates that should be at most {NOMINAL}; lower end above it: {', '.join(wrong) or 'none'}",
        f"{len(held)} shares that should be {COVERAGE[0]} to {COVERAGE[1]}; beyond it: {', '.join(missed) or 'none'}",
        f"decided of {differ['pairs']} pairs that differ: {differ['decided']}",
        f"decided of {single['pairs']} pairs with one seed: {single['decided']} (should be 0)",
    ]


if __name__ == "__main__":
    main()
