"""What a comparison's folder holds, row by row: whatever is finished, and what is not. Knows no torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.artifacts import read_json
from mlcore.compare.plan import Cell, Comparison
from mlcore.compare.rerun import figures_of
from mlcore.errors import ComparisonError
from mlcore.evaluate import StoredScores, read_per_query
from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES, BASELINES

SEPARATE, JOINED, OUTSIDE = "one fold", "folds joined", "from outside"


@dataclass(frozen=True)
class Unit:
    """One seed of a row: its figures as fractions of 1, what every query earned, and why.

    diagnostics: numbers by name, those of mlcore.diagnostics.MEANINGS; none of a run made before there were any.
    details: the folders that hold more, of each fold.
    """

    figures: dict[str, float]
    scores: StoredScores
    diagnostics: dict[str, float]
    details: tuple[Path, ...]


@dataclass(frozen=True)
class Row:
    """A line of the table: a loss, a baseline, or embeddings from outside.

    kind: "", or how the folds are read, or that it came from outside. costs and histories are of its runs.
    """

    name: str
    title: str
    loss: str
    tuned: bool
    kind: str
    units: dict[int, Unit]
    costs: tuple[dict[str, Any], ...] = ()
    histories: tuple[list[dict[str, Any]], ...] = ()

    @property
    def is_baseline(self) -> bool:
        """Whether nothing was trained."""
        return self.loss in BASELINES


@dataclass(frozen=True)
class Results:
    """A comparison as far as it is done. failed: cell -> why; missing: cells not run yet."""

    plan: dict[str, Any]
    comparison: Comparison
    rows: tuple[Row, ...]
    cells: dict[str, dict[str, Any]]
    failed: dict[str, str]
    missing: tuple[str, ...]
    tuning: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_results(folder: Path, also: Sequence[Path] = ()) -> Results:
    """Return what is finished in a comparison's folder, with run-like folders `also` as rows of their own.

    Raises:
        ComparisonError: there is no comparison, nothing is finished, or the rows were not measured on
            the same pictures.
        CheckpointError: a finished cell's scores are damaged.
    """
    try:
        plan = read_json(folder / "comparison.json")
    except FileNotFoundError:
        raise ComparisonError(f"{folder} holds no comparison: it has no comparison.json") from None
    comparison = Comparison.from_json(plan)
    done = {cell: folder / "cells" / cell.name for cell in comparison.cells()}
    done = {cell: path for cell, path in done.items() if path.exists()}
    rows = _rows(folder, done)
    rows += [_outside(path, f"outside-{number}") for number, path in enumerate(also, 1)]
    if not rows:
        raise ComparisonError(f"{folder} has no finished cell yet; run compare first")
    _require_same_queries(rows)
    errors = {cell.name: folder / "cells" / f"{cell.name}.error.json" for cell in comparison.cells()}
    failed = {name: str(read_json(file)["error"]) for name, file in errors.items() if file.exists()}
    finished = {cell.name for cell in done}
    missing = [name for name in errors if name not in finished and name not in failed]
    cells = {cell.name: read_json(path / "metrics.json") for cell, path in done.items()}
    tuning = {file.stem: read_json(file) for file in sorted((folder / "tuning").glob("*.json"))}
    return Results(plan, comparison, tuple(rows), cells, failed, tuple(missing), tuning)


def _rows(folder: Path, done: Mapping[Cell, Path]) -> list[Row]:
    grouped: dict[tuple[str, bool], list[Cell]] = {}
    for cell in done:
        grouped.setdefault((cell.loss, cell.tuned), []).append(cell)
    rows = []
    for (loss, tuned), cells in grouped.items():
        row = _row(loss, tuned, {cell: done[cell] for cell in cells})
        rows.append(row)
        joined = folder / "cells"
        units = {
            seed: _unit(path)
            for seed in row.units
            if (path := joined / f"{Cell(loss, seed, None, tuned).name}-joined").exists()
        }
        if units:
            title = row.title.replace(SEPARATE, JOINED)
            rows.append(replace(row, name=f"{row.name}-joined", title=title, kind=JOINED, units=units))
    return rows


def _row(loss: str, tuned: bool, cells: Mapping[Cell, Path]) -> Row:
    by_seed: dict[int, list[Unit]] = {}
    for cell, path in cells.items():
        by_seed.setdefault(cell.seed, []).append(_unit(path))
    folded = any(cell.fold is not None for cell in cells)
    title = BASELINE_TITLES[loss] if loss in BASELINES else LOSSES[loss].title
    notes = [*(["tuned"] if tuned else []), *([SEPARATE] if folded else [])]
    return Row(
        name=loss + ("-tuned" if tuned else ""),
        title=f"{title} ({', '.join(notes)})" if notes else title,
        loss=loss,
        tuned=tuned,
        kind=SEPARATE if folded else "",
        units={seed: _mean(units) for seed, units in by_seed.items()},
        costs=tuple(read_json(path / "cost.json") for path in cells.values()),
        histories=tuple(_history(path) for path in cells.values()),
    )


def _unit(path: Path) -> Unit:
    metrics = read_json(path / "metrics.json")
    return Unit(figures_of(metrics), read_per_query(path), metrics.get("diagnostics", {}), (path,))


def _mean(units: Sequence[Unit]) -> Unit:
    """Return the mean of a seed's folds: every fold answered the same queries."""
    first = units[0].scores
    columns = {name: np.mean([unit.scores.columns[name] for unit in units], axis=0) for name in first.columns}
    figures = {name: float(np.mean([unit.figures[name] for unit in units])) for name in units[0].figures}
    shared = set.intersection(*(set(unit.diagnostics) for unit in units))
    diagnostics = {name: float(np.mean([unit.diagnostics[name] for unit in units])) for name in sorted(shared)}
    folders = tuple(path for unit in units for path in unit.details)
    return Unit(figures, StoredScores(first.ids, first.labels, columns), diagnostics, folders)


def _history(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "history.jsonl").read_text().splitlines()]


def _outside(path: Path, name: str) -> Row:
    """Return the row of a folder with metrics.json and per_query.npz, by the name in its model.json or its own."""
    if not (path / "metrics.json").is_file():
        raise ComparisonError(f"{path} has no metrics.json; give the folder of a run or of measured embeddings")
    described = read_json(path / "model.json") if (path / "model.json").is_file() else {}
    return Row(name, f"{described.get('name', path.name)} ({OUTSIDE})", "", False, OUTSIDE, {0: _unit(path)})


def _require_same_queries(rows: Sequence[Row]) -> None:
    first = next(iter(rows[0].units.values())).scores
    for row in rows:
        for unit in row.units.values():
            if not np.array_equal(unit.scores.ids, first.ids):
                raise ComparisonError(f"{row.title} was not measured on the same pictures as {rows[0].title}")
