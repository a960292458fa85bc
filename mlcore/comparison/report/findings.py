"""Diagnostics of a report: geometry of the rows' embeddings, hardest classes, and mistakes of the best row."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.comparison.results import Row
from mlcore.evaluation.diagnostics import read_details
from mlcore.evaluation.metric_table import DIAGNOSTICS, Metric

HARDEST_CLASSES = 10
WORST_QUERIES = 10


def findings_of(rows: Sequence[Row], best: Row) -> dict[str, Any] | None:
    """Return the diagnostics of a report as plain values; None where no run has any.

    {"meanings": {name: title, meaning and scale}, "rows": {row: {name: mean over seeds}}, "hardest_classes": [...],
    "worst_queries": of the best row's first seed, with their results, "of": that row's title,
    "warnings": {row: warnings of its trainings}}.
    """
    figures = {row.name: _means([unit.diagnostics for unit in row.units.values()]) for row in rows}
    known = [name for name in DIAGNOSTICS if any(name in found for found in figures.values())]
    details = next((found for row in (best, *rows) if (found := _details(row)) is not None), None)
    if not known or details is None:
        return None
    return {
        "meanings": {name: _meaning(DIAGNOSTICS[name]) for name in known},
        "rows": figures,
        "hardest_classes": _hardest_classes([row for row in rows if not row.is_baseline] or rows, details),
        "worst_queries": _worst_queries(_details(best)),
        "warnings": {row.name: said for row in rows if (said := _warnings(row))},
        "of": best.title,
    }


def _meaning(metric: Metric) -> dict[str, str]:
    return {"title": metric.title, "meaning": metric.meaning, "scale": metric.scale}


def _means(units: Sequence[Mapping[str, float]]) -> dict[str, float]:
    shared = set.intersection(*map(set, units))
    return {name: fmean(unit[name] for unit in units) for name in DIAGNOSTICS if name in shared}


def _details(row: Row) -> dict[str, Any] | None:
    """Return the details of a row's first seed, or of its first fold, if they were kept."""
    folders = next(iter(row.units.values())).details
    return next((found for folder in folders if (found := read_details(folder)) is not None), None)


def _warnings(row: Row) -> list[str]:
    """Return every warning of a row's trainings once."""
    details = [read_details(folder) or {} for unit in row.units.values() for folder in unit.details]
    return list(dict.fromkeys(said for found in details for said in found.get("warnings", ())))


def _hardest_classes(rows: Sequence[Row], details: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the classes of the lowest Recall@1 over all rows, and which row does best on each."""
    labels = next(iter(rows[0].units.values())).scores.labels
    recalls = {
        row.title: np.mean([unit.scores.columns["recall_at_1"] for unit in row.units.values()], axis=0) for row in rows
    }
    found = []
    for label in np.unique(labels):
        queries = labels == label
        of_row = {title: float(values[queries].mean()) for title, values in recalls.items()}
        best = max(of_row, key=lambda title: of_row[title])
        entry = {"class": details["class_names"][str(label)], "queries": int(queries.sum())}
        found.append(entry | {"recall_at_1": fmean(of_row.values()), "best": best, "best_recall_at_1": of_row[best]})
    return sorted(found, key=lambda entry: (entry["recall_at_1"], entry["class"]))[:HARDEST_CLASSES]


def _over_seeds(row: Row, figure: str) -> NDArray[np.float64]:
    """Return the mean over seeds of what each query earned [Q]."""
    means: NDArray[np.float64] = np.mean([unit.scores.columns[figure] for unit in row.units.values()], axis=0)
    return means


def _worst_queries(details: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the first worst queries of a run's details with classes and pictures by name."""
    if details is None:
        return []
    names, paths = details["class_names"], details["paths"]
    return [
        {
            "picture": paths[str(query["id"])],
            "class": names[str(query["label"])],
            "results": [
                {"class": names[str(result["label"])], "similarity": result["similarity"]}
                for result in query["results"]
            ],
        }
        for query in details["worst_queries"][:WORST_QUERIES]
    ]
