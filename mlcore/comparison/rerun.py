"""A finished comparison repeated from its file: which metrics moved by more than the noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import stdev
from typing import Any

from mlcore.artifacts import read_json
from mlcore.comparison.plan import Cell, Comparison
from mlcore.errors import ComparisonError
from mlcore.evaluation.metric_table import figures_of

EQUAL, WITHIN, MOVED = "equal", "within the noise", "moved"


@dataclass(frozen=True)
class Difference:
    """A figure before and now, as fractions of 1, and how much of a difference is noise."""

    cell: str
    figure: str
    before: float
    now: float
    noise: float

    @property
    def conclusion(self) -> str:
        """Equal to the last bit, within the noise, or moved."""
        if self.before == self.now:
            return EQUAL
        return WITHIN if abs(self.now - self.before) <= self.noise else MOVED


def read_finished(file: Path) -> tuple[Comparison, dict[str, dict[str, Any]]]:
    """Return a comparison and the metrics of its finished cells by name.

    file: comparison.json in a comparison's folder, or the report.json made of it.

    Raises:
        ComparisonError: it is neither, or no cell of it is finished.
    """
    values = read_json(file)
    if not isinstance(values, dict):
        raise ComparisonError(f"{file.name} holds no comparison")
    cells: dict[str, dict[str, Any]] = values.get("cells", {})
    plan = values.get("comparison", values)
    if "protocol" not in plan:
        raise ComparisonError(f"{file.name} holds no comparison; give comparison.json or report.json")
    if "cells" not in values:
        found = file.parent.glob("cells/*/metrics.json")
        cells = {path.parent.name: read_json(path) for path in found}
    if not cells:
        raise ComparisonError(f"{file.name} has no finished cell to compare with")
    return Comparison.from_json(plan), cells


def part_of(comparison: Comparison, losses: Sequence[str], seeds: Sequence[int]) -> Comparison:
    """Return the comparison of some losses and seeds only; none named means all.

    Raises:
        ComparisonError: the comparison has no such loss or seed.
    """
    for name in (*losses, *seeds):
        if name not in comparison.losses and name not in comparison.seeds:
            known = ", ".join(map(str, (*comparison.losses, *comparison.seeds)))
            raise ComparisonError(f"{comparison.name} has no {name!r}; it has {known}")
    kept = {loss: params for loss, params in comparison.losses.items() if loss in losses or not losses}
    return replace(comparison, losses=kept, seeds=tuple(seeds) or comparison.seeds)


def differences(
    comparison: Comparison, before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> list[Difference]:
    """Return every figure of every cell that both have, in the comparison's order.

    The noise is twice the standard deviation over the seeds of the same row before; with one seed, half
    the width of the figure's 95 % interval, which is wider.
    """
    found = []
    for cell in comparison.cells():
        if cell.name in before and cell.name in now:
            old, new = figures_of(before[cell.name]), figures_of(now[cell.name])
            found += [
                Difference(cell.name, name, old[name], new[name], _noise(name, cell, comparison, before))
                for name in old.keys() & new.keys()
            ]
    return sorted(found, key=lambda difference: (difference.cell, difference.figure))


def _noise(figure: str, cell: Cell, comparison: Comparison, before: Mapping[str, Mapping[str, Any]]) -> float:
    row = [replace(cell, seed=seed).name for seed in comparison.seeds]
    found = [figures_of(before[name]) for name in row if name in before]
    values = [figures[figure] for figures in found if figure in figures]
    if len(values) > 1:
        return 2 * stdev(values)
    low, high = before[cell.name]["intervals"][figure]
    return float(high - low) / 2
