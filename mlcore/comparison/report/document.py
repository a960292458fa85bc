"""The report as plain values: what every format shows, and what a re-run is compared with."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.comparison.report.findings import findings_of
from mlcore.comparison.report.unfairness import practices
from mlcore.comparison.results import Results, Row
from mlcore.comparison.significance import RESAMPLES, UNCLEAR, Pair, Resampled
from mlcore.evaluation.metric_table import HEADLINE, paired_test_metrics

FORMAT = 2
"""Rises when a reader of the document could not read an older one: 2 has diagnostics with warnings."""


def document_of(results: Results) -> dict[str, Any]:
    """Return the whole report as plain JSON values; fractions of 1 throughout."""
    rows = _ordered(results.rows)
    first = next(iter(rows[0].units.values())).scores
    figures = _figures_of_all(rows)
    resampled = {
        figure: Resampled(
            first.labels,
            {row.name: {seed: unit.scores.columns[figure] for seed, unit in row.units.items()} for row in rows},
        )
        for figure in figures
    }
    pairs = {figure: resampled[figure].pairs() for figure in paired_test_metrics() if figure in figures}
    best = max(rows, key=lambda row: _mean(row, HEADLINE))
    level = _level_with(best.name, pairs[HEADLINE])
    return {
        "format": FORMAT,
        "title": results.comparison.name,
        "comparison": results.plan,
        "figures": figures,
        "queries": len(first.ids),
        "gallery": next((cell["gallery"] for cell in results.cells.values() if "gallery" in cell), None),
        "classes": len(set(first.labels.tolist())),
        "rows": [_row(row, figures, resampled, best=best.name, level=level) for row in rows],
        "pairs": {figure: [_pair(pair) for pair in found] for figure, found in pairs.items()},
        "resamples": RESAMPLES,
        "seeds": len(results.comparison.seeds),
        "unfairness": [vars(practice) for practice in practices(results)],
        "tuning": {loss: _tuning(found) for loss, found in results.tuning.items()},
        "diagnostics": findings_of(rows, best),
        "curves": {row.name: _curve(row.histories) for row in rows if any(row.histories)},
        "hardware": sorted(
            {f"{cost['device']}, threads of a run: {cost['threads']}" for row in rows for cost in row.costs}
        ),
        "failed": results.failed,
        "missing": list(results.missing),
        "cells": results.cells,
    }


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """Return what was not trained first, then the rest from the best MAP@R down."""
    return sorted(rows, key=lambda row: (not row.is_baseline, -_mean(row, HEADLINE), row.name))


def _figures_of_all(rows: Sequence[Row]) -> list[str]:
    """Return the figures that every run has: a metric is missing where a run was measured before there was it."""
    units = [unit for row in rows for unit in row.units.values()]
    return [name for name in units[0].figures if all(name in unit.figures for unit in units)]


def _mean(row: Row, figure: str) -> float:
    return statistics.fmean(unit.figures[figure] for unit in row.units.values())


def _level_with(best: str, pairs: Sequence[Pair]) -> set[str]:
    """Return the best row and every row that cannot be told from it."""
    unclear = (pair for pair in pairs if pair.verdict == UNCLEAR and best in (pair.first, pair.second))
    return {best} | {name for pair in unclear for name in (pair.first, pair.second)}


def _row(
    row: Row, figures: Sequence[str], resampled: Mapping[str, Resampled], *, best: str, level: set[str]
) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "loss": row.loss,
        "tuned": row.tuned,
        "baseline": row.is_baseline,
        "seeds": sorted(row.units),
        "best": row.name == best,
        "level_with_best": row.name in level,
        "figures": {figure: _figure(row, figure, resampled[figure]) for figure in figures},
        "train_seconds": _median(cost["train_seconds"] for cost in row.costs),
        "images_per_second": _median(cost["images_per_second"] for cost in row.costs),
        "peak_memory_mib": _median(cost["peak_memory_mib"] for cost in row.costs),
    }


def _figure(row: Row, figure: str, resampled: Resampled) -> dict[str, Any]:
    values = [unit.figures[figure] for unit in row.units.values()]
    low, high = resampled.interval(row.name)
    return {
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "low": low,
        "high": high,
    }


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _pair(pair: Pair) -> dict[str, Any]:
    return {**vars(pair), "verdict": pair.verdict}


def _tuning(found: Mapping[str, Any]) -> dict[str, Any]:
    measured = [trial for trial in found["measured"] if trial["map_at_r"] is not None]
    best = max(measured, key=lambda trial: trial["map_at_r"], default=None)
    return {
        "trials": len(found["measured"]),
        "budget": found["trials"],
        "failed": len(found["measured"]) - len(measured),
        "untuned": found["measured"][0]["map_at_r"],
        "best": best,
        "seconds": found["seconds"],
    }


def _curve(histories: Sequence[Sequence[Mapping[str, Any]]]) -> list[float]:
    """Return the mean loss of each epoch over a row's runs, as far as the shortest went."""
    epochs = min(len(history) for history in histories)
    return [statistics.fmean(history[epoch]["loss"] for history in histories) for epoch in range(epochs)]
