"""The results in the folder of a comparison, row by row, finished or not. Knows no torch."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.artifacts import read_json
from mlcore.comparison.plan import Cell, Comparison
from mlcore.comparison.tuning_state import TuningState, current_state
from mlcore.errors import ComparisonError
from mlcore.evaluation.evaluate import StoredScores, read_per_query
from mlcore.evaluation.metric_table import figures_of
from mlcore.events import Event
from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES, BASELINES, Cost

SEPARATE, JOINED, EXTERNAL = "one fold", "folds joined", "external"


@dataclass(frozen=True)
class SeedResult:
    """One seed of a row: its figures as fractions of 1, what every query earned, and why.

    diagnostics: numbers by name, those of `DIAGNOSTICS` in evaluation; none of a run made before there were any.
    details: the folders that hold more, of each fold.
    dims: dimensions of its embeddings, of each fold; none of a run made before they were stored.
    """

    figures: dict[str, float]
    scores: StoredScores
    diagnostics: dict[str, float]
    details: tuple[Path, ...]
    dims: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Row:
    """A line of the table: a loss, a baseline, or an external model.

    kind: "", how its folds are read, or EXTERNAL. costs and histories are of its runs.
    """

    name: str
    title: str
    loss: str
    tuned: bool
    kind: str
    units: dict[int, SeedResult]
    costs: tuple[Cost, ...] = ()
    histories: tuple[list[Event], ...] = ()

    @property
    def is_baseline(self) -> bool:
        """Whether nothing was trained."""
        return self.loss in BASELINES

    @property
    def dims(self) -> tuple[int, ...]:
        """The dimensions of its embeddings, usually one; none if no run of it stored them."""
        return tuple(sorted(frozenset().union(*(unit.dims for unit in self.units.values()))))


@dataclass(frozen=True)
class Results:
    """A comparison as far as it is done. failed: cell -> why; missing: cells not run yet."""

    plan: dict[str, Any]
    comparison: Comparison
    rows: tuple[Row, ...]
    cells: dict[str, dict[str, Any]]
    failed: dict[str, str]
    missing: tuple[str, ...]
    tuning: Mapping[str, TuningState] = field(default_factory=dict)


@dataclass(frozen=True)
class ComparisonFiles:
    """A comparison, and where what is finished of it lies: in its own folder or anywhere else.

    plan: the values of comparison.json. done: the finished cells' folders; joined: those of joined folds, by
    `joined_name`. failed: cell -> why; missing: cells not run yet. tuning: loss -> the values of its trials' file.
    """

    plan: dict[str, Any]
    comparison: Comparison
    done: Mapping[Cell, Path]
    joined: Mapping[str, Path]
    failed: dict[str, str]
    missing: tuple[str, ...]
    tuning: Mapping[str, TuningState]


def files_in(folder: Path) -> ComparisonFiles:
    """Return where things lie in the folder of a comparison that `compare` runs.

    Raises:
        ComparisonError: there is no comparison.
    """
    try:
        plan = read_json(folder / "comparison.json")
    except FileNotFoundError:
        raise ComparisonError(f"{folder} holds no comparison: it has no comparison.json") from None
    comparison, parent = Comparison.from_json(plan), folder / "cells"
    cells = comparison.cells()
    done = {cell: parent / cell.name for cell in cells if (parent / cell.name).exists()}
    joined = {cell.joined_name: parent / cell.joined_name for cell in done}
    errors = {cell.name: parent / f"{cell.name}.error.json" for cell in cells}
    failed = {name: str(read_json(file)["error"]) for name, file in errors.items() if file.exists()}
    return ComparisonFiles(
        plan=plan,
        comparison=comparison,
        done=done,
        joined={name: path for name, path in joined.items() if path.exists()},
        failed=failed,
        missing=tuple(cell.name for cell in cells if cell not in done and cell.name not in failed),
        tuning={file.stem: current_state(read_json(file)) for file in sorted((folder / "tuning").glob("*.json"))},
    )


def files_listed(file: Path) -> ComparisonFiles:
    """Return what a JSON file lists: {"plan", "cells": {name: folder}, "failed", "missing", "tuning"}.

    Raises:
        ComparisonError: it is no such list, or names a cell that the comparison does not have.
    """
    listed = read_json(file)
    if not isinstance(listed, dict) or listed.keys() != {"plan", "cells", "failed", "missing", "tuning"}:
        raise ComparisonError(f"{file.name} must list plan, cells, failed, missing and tuning")
    comparison = Comparison.from_json(listed["plan"])
    cells = {cell.name: cell for cell in comparison.cells()}
    for name in listed["cells"].keys() - cells.keys():
        raise ComparisonError(f"{file.name} lists a cell {name!r} that the comparison does not have")
    return ComparisonFiles(
        plan=listed["plan"],
        comparison=comparison,
        done={cell: Path(listed["cells"][name]) for name, cell in cells.items() if name in listed["cells"]},
        joined={},
        failed=listed["failed"],
        missing=tuple(listed["missing"]),
        tuning={loss: current_state(values) for loss, values in listed["tuning"].items()},
    )


def read_results(files: ComparisonFiles, external_models: Sequence[Path] = ()) -> Results:
    """Return the finished runs of a comparison; folders of external models are added as rows.

    Raises:
        ComparisonError: nothing is finished, or the rows were not measured on the same pictures.
        CheckpointError: a finished cell's scores are damaged.
    """
    rows = _rows(files)
    rows += [_external(path, f"external-{number}") for number, path in enumerate(external_models, 1)]
    if not rows:
        raise ComparisonError(f"no run of {files.comparison.name} is finished yet; wait for one, or run compare first")
    _require_same_queries(rows)
    cells = {cell.name: read_json(path / "metrics.json") for cell, path in files.done.items()}
    return Results(files.plan, files.comparison, tuple(rows), cells, files.failed, files.missing, tuning=files.tuning)


def _rows(files: ComparisonFiles) -> list[Row]:
    grouped: dict[tuple[str, bool], dict[Cell, Path]] = {}
    for cell, path in files.done.items():
        grouped.setdefault((cell.loss, cell.tuned), {})[cell] = path
    rows = []
    for (loss, tuned), cells in grouped.items():
        row = _row(loss, tuned, cells)
        rows.append(row)
        names = {cell.seed: cell.joined_name for cell in cells}
        units = {seed: _seed_result(files.joined[name]) for seed, name in names.items() if name in files.joined}
        if units:
            title = row.title.replace(SEPARATE, JOINED)
            rows.append(replace(row, name=f"{row.name}-joined", title=title, kind=JOINED, units=units))
    return rows


def _row(loss: str, tuned: bool, cells: Mapping[Cell, Path]) -> Row:
    by_seed: dict[int, list[SeedResult]] = {}
    for cell, path in cells.items():
        by_seed.setdefault(cell.seed, []).append(_seed_result(path))
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


def _seed_result(path: Path) -> SeedResult:
    metrics = read_json(path / "metrics.json")
    dims = frozenset({int(metrics["dim"])} if "dim" in metrics else ())
    return SeedResult(figures_of(metrics), read_per_query(path), metrics.get("diagnostics", {}), (path,), dims)


def _mean(units: Sequence[SeedResult]) -> SeedResult:
    """Return the mean of a seed's folds: every fold answered the same queries."""
    first = units[0].scores
    columns = {name: np.mean([unit.scores.columns[name] for unit in units], axis=0) for name in first.columns}
    figures = {name: float(np.mean([unit.figures[name] for unit in units])) for name in units[0].figures}
    shared = set.intersection(*(set(unit.diagnostics) for unit in units))
    diagnostics = {name: float(np.mean([unit.diagnostics[name] for unit in units])) for name in sorted(shared)}
    folders = tuple(path for unit in units for path in unit.details)
    dims = frozenset().union(*(unit.dims for unit in units))
    return SeedResult(figures, StoredScores(first.ids, first.labels, columns), diagnostics, folders, dims)


def _history(path: Path) -> list[Event]:
    return [json.loads(line) for line in (path / "history.jsonl").read_text().splitlines()]


def _external(path: Path, name: str) -> Row:
    """Return the row of a folder with metrics.json and per_query.npz, by the name in its model.json or its own."""
    if not (path / "metrics.json").is_file():
        raise ComparisonError(f"{path} has no metrics.json; give the folder of a run or of measured embeddings")
    described = read_json(path / "model.json") if (path / "model.json").is_file() else {}
    return Row(name, f"{described.get('name', path.name)} ({EXTERNAL})", "", False, EXTERNAL, {0: _seed_result(path)})


def _require_same_queries(rows: Sequence[Row]) -> None:
    first = next(iter(rows[0].units.values())).scores
    for row in rows:
        for unit in row.units.values():
            if not np.array_equal(unit.scores.ids, first.ids):
                raise ComparisonError(f"{row.title} was not measured on the same pictures as {rows[0].title}")
