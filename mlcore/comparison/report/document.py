"""The report as plain JSON values: the source of every file format, and of the comparison with a re-run."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.comparison.report.fairness_checks import fairness_checks
from mlcore.comparison.report.findings import findings_of
from mlcore.comparison.report.further import further_of
from mlcore.comparison.report.tuning_section import BEFORE_FORMAT_5, tuning_summary
from mlcore.comparison.results import EXTERNAL, Results, Row
from mlcore.comparison.row_intervals import row_intervals
from mlcore.comparison.significance import DRAWS, METHOD, ONE_SEED, compare_rows
from mlcore.evaluation.metric_table import HEADLINE, paired_test_metrics

FORMAT = 5
"""Number of the document's format: 2 has diagnostics with warnings; 3 to 5 have other keys, see `current_format`."""

Interval = tuple[float, float]

BOOTSTRAP = "paired bootstrap"
"""The test of documents before format 4; those of one seed concluded from it all the same."""


def document_of(results: Results) -> dict[str, Any]:
    """Return the whole report as plain JSON values; fractions of 1 throughout."""
    rows = _ordered(results.rows)
    first = next(iter(rows[0].units.values())).scores
    metrics = _shared_metrics(rows)
    values = {
        metric: {row.name: {seed: unit.scores.columns[metric] for seed, unit in row.units.items()} for row in rows}
        for metric in metrics
    }
    intervals = {metric: row_intervals(first.labels, values[metric]) for metric in metrics}
    fixed = [row.name for row in rows if row.is_baseline or row.kind == EXTERNAL]
    tests = {
        metric: compare_rows(first.labels, values[metric], fixed=fixed)
        for metric in paired_test_metrics()
        if metric in metrics
    }
    best = max(rows, key=lambda row: _mean(row, HEADLINE))
    level = tests[HEADLINE].level_with(best.name)
    return {
        "format": FORMAT,
        "title": results.comparison.name,
        "comparison": results.plan,
        "metrics": metrics,
        "queries": len(first.ids),
        "gallery": next((cell["gallery"] for cell in results.cells.values() if "gallery" in cell), None),
        "classes": len(set(first.labels.tolist())),
        "rows": [_row(row, metrics, intervals, best=best.name, level=level) for row in rows],
        "pairs": {metric: [pair.to_json() for pair in of_metric.pairs] for metric, of_metric in tests.items()},
        "test": METHOD,
        "draws": DRAWS,
        "seeds": len(results.comparison.seeds),
        "fairness_checks": [vars(check) for check in fairness_checks(results)],
        "tuning": {loss: tuning_summary(found, loss) for loss, found in results.tuning.items()},
        "diagnostics": findings_of(rows, best),
        "further": further_of(rows),
        "curves": {row.name: _curve(row.histories) for row in rows if any(row.histories)},
        "validation_curves": {row.name: curve for row in rows if (curve := _validation_curve(row.histories))},
        "hardware": sorted(
            {f"{cost['device']}, threads of a run: {cost['threads']}" for row in rows for cost in row.costs}
        ),
        "failed": results.failed,
        "missing": list(results.missing),
        "cells": results.cells,
    }


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """Return the baselines first, then the rest from the best MAP@R down."""
    return sorted(rows, key=lambda row: (not row.is_baseline, -_mean(row, HEADLINE), row.name))


def _shared_metrics(rows: Sequence[Row]) -> list[str]:
    """Return the metrics that every run has; a run of an older version lacks the newer ones."""
    units = [unit for row in rows for unit in row.units.values()]
    return [name for name in units[0].figures if all(name in unit.figures for unit in units)]


def _mean(row: Row, figure: str) -> float:
    return statistics.fmean(unit.figures[figure] for unit in row.units.values())


def _row(
    row: Row,
    metrics: Sequence[str],
    intervals: Mapping[str, Mapping[str, Interval]],
    *,
    best: str,
    level: Mapping[str, bool | None],
) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "loss": row.loss,
        "tuned": row.tuned,
        "baseline": row.is_baseline,
        "seeds": sorted(row.units),
        "best": row.name == best,
        "level_with_best": level[row.name],
        "metrics": {metric: _values(row, metric, intervals[metric][row.name]) for metric in metrics},
        "train_seconds": _median(cost["train_seconds"] for cost in row.costs),
        "images_per_second": _median(cost["images_per_second"] for cost in row.costs),
        "peak_memory_mib": _median(cost["peak_memory_mib"] for cost in row.costs),
    }


def _values(row: Row, metric: str, interval: Interval) -> dict[str, float | None]:
    values = [unit.figures[metric] for unit in row.units.values()]
    low, high = interval
    return {
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "low": low,
        "high": high,
    }


def _median(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _curve(histories: Sequence[Sequence[Mapping[str, Any]]]) -> list[float]:
    """Return the mean loss of each epoch over a row's runs, as far as the shortest went."""
    epochs = min(len(history) for history in histories)
    return [statistics.fmean(history[epoch]["loss"] for history in histories) for epoch in range(epochs)]


def _validation_curve(histories: Sequence[Sequence[Mapping[str, Any]]]) -> list[tuple[int, float]]:
    """Return the epochs and the mean Recall@1 of the validation classes, where every run of a row measured it."""
    by_run = [
        {event["epoch"]: event["validation"]["recall_at"]["1"] for event in history if event.get("validation")}
        for history in histories
    ]
    shared = set.intersection(*(set(values) for values in by_run)) if by_run else set()
    return [(epoch, statistics.fmean(values[epoch] for values in by_run)) for epoch in sorted(shared)]


def current_format(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a stored document with the keys of FORMAT; None for one that is older than format 2.

    Format 2 says figures, unfairness, present, why, verdict, reading, kind, answers and cosine. Format 3 has the paired
    bootstrap with `holm`, no intervals of differences, and conclusions at one seed: these are left out. Format 4 has
    the best trial of each tuning alone, and no further metrics.
    """
    older = {2: _from_2, 3: _from_3, 4: _from_4}
    values = dict(document)
    while (number := values.get("format", 0)) in older:
        values = older[number](values)
    return values if number == FORMAT else None


def _from_2(document: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in document.items() if name not in ("figures", "unfairness")}
    return values | {
        "format": 3,
        "metrics": document["figures"],
        "rows": [_renamed(row, {"figures": "metrics"}) for row in document["rows"]],
        "pairs": {
            metric: [_renamed(pair, {"verdict": "conclusion"}) for pair in pairs]
            for metric, pairs in document["pairs"].items()
        },
        "fairness_checks": [
            _renamed(check, {"present": "violated", "why": "reason"}) for check in document["unfairness"]
        ],
        "diagnostics": _current_diagnostics(document["diagnostics"]),
    }


def _from_3(document: Mapping[str, Any]) -> dict[str, Any]:
    one_seed = {row["name"] for row in document["rows"] if not row["baseline"] and len(row["seeds"]) < 2}
    best = next((row["name"] for row in document["rows"] if row["best"]), "")
    kept = {name: value for name, value in document.items() if name != "resamples"}
    return kept | {
        "format": 4,
        "test": BOOTSTRAP,
        "draws": document["resamples"],
        "pairs": {
            metric: [_pair_of_3(pair, one_seed) for pair in pairs] for metric, pairs in document["pairs"].items()
        },
        "rows": [
            {**row, "level_with_best": None if {best, row["name"]} & one_seed else row["level_with_best"]}
            for row in document["rows"]
        ],
    }


def _from_4(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **document,
        "format": 5,
        "further": None,
        "tuning": {loss: {**BEFORE_FORMAT_5, **found} for loss, found in document["tuning"].items()},
    }


def _pair_of_3(pair: Mapping[str, Any], one_seed: set[str]) -> dict[str, Any]:
    tested = not {pair["first"], pair["second"]} & one_seed
    return {
        **{name: value for name, value in pair.items() if name != "holm"},
        "low": None,
        "high": None,
        "p": pair["p"] if tested else None,
        "p_adjusted": pair["holm"] if tested else None,
        "conclusion": pair["conclusion"] if tested else ONE_SEED,
    }


def _current_diagnostics(diagnostics: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if diagnostics is None:
        return None
    return {
        **diagnostics,
        "meanings": {
            name: _renamed(meaning, {"reading": "meaning", "kind": "scale"})
            for name, meaning in diagnostics["meanings"].items()
        },
        "worst_queries": [
            {name: value for name, value in query.items() if name != "answers"}
            | {"results": [_renamed(result, {"cosine": "similarity"}) for result in query["answers"]]}
            for query in diagnostics["worst_queries"]
        ],
    }


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}
