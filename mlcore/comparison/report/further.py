"""The further metrics of a report as plain values: means and standard deviations over a row's seeds."""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import TypedDict

from mlcore.comparison.results import Row, SeedResult
from mlcore.evaluation.further import FurtherMetrics, Score, read_further
from mlcore.evaluation.query_corruptions import CORRUPTIONS

VARIANTS = ("pca", "first", "int8")
SCORES = ("recall_at_1", "map_at_r")
CLEAN, DROP = "clean", "drop"


class Spread(TypedDict):
    """Mean over seeds, and their standard deviation; None of one seed."""

    mean: float
    sd: float | None


class Scores(TypedDict):
    """Scores over seeds."""

    recall_at_1: Spread
    map_at_r: Spread


class SizeOfRow(TypedDict):
    """Scores at a number of dimensions."""

    dims: int
    scores: Scores


class Kind(TypedDict):
    """A kind of altered queries."""

    name: str
    title: str
    meaning: str


class FurtherOfRow(TypedDict):
    """Further metrics of a row.

    sizes: of each of VARIANTS, dimensions ascending. open_set: the fields of OpenSet. robustness: by kind, and what is
    "clean"; "drop" is the mean loss over kinds. What was not measured with every seed is empty.
    """

    sizes: dict[str, list[SizeOfRow]]
    open_set: dict[str, Spread]
    robustness: dict[str, Scores]


class Further(TypedDict):
    """queries: how many were asked; kinds: of altered queries, in the order of columns."""

    queries: int
    rows: dict[str, FurtherOfRow]
    kinds: list[Kind]


def further_of(rows: Sequence[Row]) -> Further | None:
    """Return the further metrics of a report's rows by name, without rows that have none; None if no row has any."""
    measured = {row.name: [_of_seed(unit) for unit in row.units.values()] for row in rows}
    whole = {name: seeds for name, seeds in measured.items() if all(seeds)}
    if not whole:
        return None
    return {
        "queries": max(fold["queries"] for seeds in whole.values() for folds in seeds for fold in folds),
        "rows": {name: _of_row(seeds) for name, seeds in whole.items()},
        "kinds": [{"name": name, "title": kind.title, "meaning": kind.meaning} for name, kind in CORRUPTIONS.items()],
    }


def _of_seed(unit: SeedResult) -> list[FurtherMetrics]:
    """Return what was measured of a seed, of each fold; nothing where a fold lacks it."""
    found = [read_further(folder) for folder in unit.details]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else []


def _of_row(seeds: Sequence[Sequence[FurtherMetrics]]) -> FurtherOfRow:
    everything = [fold for folds in seeds for fold in folds]
    steps = [size["dims"] for size in everything[0]["sizes"]]
    sizes: dict[str, list[SizeOfRow]] = {}
    for variant in VARIANTS:
        sizes[variant] = []
        for dims in steps:
            scores = [[score for fold in folds if (score := _at(fold, dims, variant))] for folds in seeds]
            if [len(of_seed) for of_seed in scores] == [len(folds) for folds in seeds]:
                sizes[variant].append({"dims": dims, "scores": _scores(scores)})
    return {
        "sizes": sizes,
        "open_set": _open_set(seeds) if all(fold["open_set"] for fold in everything) else {},
        "robustness": _robustness(seeds) if all(fold["robustness"] for fold in everything) else {},
    }


def _at(found: FurtherMetrics, dims: int, variant: str) -> Score | None:
    """Return the scores at those dimensions; None where a run does not have them."""
    for size in found["sizes"]:
        if size["dims"] == dims:
            return {"pca": size["pca"], "first": size["first"], "int8": size["int8"]}[variant]
    return None


def _open_set(seeds: Sequence[Sequence[FurtherMetrics]]) -> dict[str, Spread]:
    of_folds = [[fold["open_set"] or {} for fold in folds] for folds in seeds]
    return {name: _spread([[one[name] for one in folds] for folds in of_folds]) for name in of_folds[0][0]}


def _robustness(seeds: Sequence[Sequence[FurtherMetrics]]) -> dict[str, Scores]:
    clean = [[fold["sizes"][-1]["first"] for fold in folds] for folds in seeds]
    altered = {kind: [[fold["robustness"][kind] for fold in folds] for folds in seeds] for kind in CORRUPTIONS}
    drops = [[_drop(fold) for fold in folds] for folds in seeds]
    return {name: _scores(of_kind) for name, of_kind in {CLEAN: clean, **altered, DROP: drops}.items()}


def _drop(found: FurtherMetrics) -> Score:
    """Return what a query loses on average over the kinds, in fractions of 1."""
    clean, altered = found["sizes"][-1]["first"], found["robustness"].values()
    return {
        "recall_at_1": clean["recall_at_1"] - fmean(score["recall_at_1"] for score in altered),
        "map_at_r": clean["map_at_r"] - fmean(score["map_at_r"] for score in altered),
    }


def _scores(seeds: Sequence[Sequence[Score]]) -> Scores:
    return {
        "recall_at_1": _spread([[score["recall_at_1"] for score in folds] for folds in seeds]),
        "map_at_r": _spread([[score["map_at_r"] for score in folds] for folds in seeds]),
    }


def _spread(seeds: Sequence[Sequence[float]]) -> Spread:
    """Return mean and deviation of what each seed's folds give on average."""
    means = [fmean(folds) for folds in seeds]
    return {"mean": fmean(means), "sd": stdev(means) if len(means) > 1 else None}
