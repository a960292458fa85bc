"""Diagnostics of embeddings: their geometry, hubs, hardest classes and worst queries.

Everything is of the held-out pictures, on unit vectors. Each picture's gallery is all the others; where some are
queries, neighbours and hubs are of their gallery.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlcore.artifacts import read_json, write_json
from mlcore.datasets import DatasetFolder
from mlcore.evaluation.embedding_geometry import alignment, density, groups, neighbourhoods, skewness, spectral_decay
from mlcore.evaluation.evaluate import MOST_CLUSTERED_CLASSES
from mlcore.evaluation.metrics import PerQueryScores, clustering_metrics
from mlcore.evaluation.near_duplicates import NearDuplicate
from mlcore.evaluation.ranking import Floats, Ints, quantised_unit_rows

DETAILS = "diagnostics.json"
NEIGHBOURS = 10
WORST_QUERIES = 20
SHOWN_ANSWERS = 5
HUBS = 10
NEAR_DUPLICATES = 100
GRADIENT_NORMS = ("network_gradient_norm", "proxy_gradient_norm")


@dataclass(frozen=True)
class Diagnosis:
    """Why a space earns what it earns.

    figures: a number each of DIAGNOSTICS, without what the space does not have.
    details: classes, worst queries and hubs, as plain JSON values.
    """

    figures: dict[str, float]
    details: dict[str, Any]

    def named(self, dataset: DatasetFolder) -> "Diagnosis":
        """Return the same, its details with the names of classes by label and the paths of pictures by id."""
        shown = [*self.details["worst_queries"], *self.details["hubs"]]
        shown += [result for query in self.details["worst_queries"] for result in query["results"]]
        labels = {entry["label"] for entry in (*self.details["classes"], *shown)}
        names = {str(label): dataset.classes[label] for label in sorted(labels)}
        wanted = {picture["id"] for picture in shown}
        paths = {str(picture.id): picture.path for picture in dataset.pictures if picture.id in wanted}
        return replace(self, details=self.details | {"class_names": names, "paths": paths})

    def with_near_duplicates(self, found: Sequence[NearDuplicate]) -> "Diagnosis":
        """Return the same with what of the measured pictures was learned from; figures count, details name."""
        return Diagnosis(
            self.figures | {"near_duplicates": len(found)},
            self.details | {"near_duplicates": [asdict(pair) for pair in found[:NEAR_DUPLICATES]]},
        )

    def with_training(self, history: Sequence[Mapping[str, Any]]) -> "Diagnosis":
        """Return the same with the gradients of the last epoch of a training's events, and all its warnings."""
        last = history[-1] if history else {}
        warnings = [f"epoch {event['epoch']}: {said}" for event in history for said in event.get("warnings", ())]
        figures = {name: last[name] for name in GRADIENT_NORMS if name in last}
        return Diagnosis(self.figures | figures, self.details | {"warnings": warnings})


def diagnose(
    embeddings: ArrayLike,
    labels: NDArray[np.int64],
    ids: NDArray[np.int64],
    scores: PerQueryScores,
    *,
    is_query: NDArray[np.bool_] | None = None,
) -> Diagnosis:
    """Look into a measured space.

    Shapes: embeddings [N, D]; labels, ids [N]; scores are of the same rows; is_query [N]: which are queries, the
    others being their gallery, None where each picture searches all others.

    Raises:
        MetricsError: a row is zero or not finite.
    """
    unit = quantised_unit_rows(embeddings)
    gallery = np.arange(len(unit)) if is_query is None else np.flatnonzero(~is_query)
    largest = len(unit) - 1 if is_query is None else len(gallery)
    near, cosines, uniformity = neighbourhoods(unit, min(NEIGHBOURS, largest), is_query)
    found = np.bincount((near if is_query is None else near[is_query]).ravel(), minlength=len(unit))[gallery]
    classes = _by_class(labels, scores)
    recalls = np.array([entry["recall_at_1"] for entry in classes])
    dense = density(unit, labels)
    figures = {
        **(clustering_metrics(unit, labels, seed=0) if len(classes) <= MOST_CLUSTERED_CLASSES else {}),
        **({} if dense is None else {"density": dense}),
        "spectral_decay": spectral_decay(unit),
        "alignment": alignment(unit, labels),
        "uniformity": uniformity,
        "hubness": skewness(found),
        "never_found": float((found == 0).mean()),
        "worst_class_recall_at_1": float(recalls.min()),
        "classes_below_half": float((recalls < 0.5).mean()),
    }
    hubs = [(int(gallery[place]), int(found[place])) for place in np.argsort(-found, kind="stable")[:HUBS]]
    details = {
        "neighbours": near.shape[1],
        "classes": classes,
        "worst_queries": _worst_queries(scores, labels, ids, near, cosines),
        "hubs": [{"id": int(ids[row]), "label": int(labels[row]), "found": count} for row, count in hubs],
    }
    return Diagnosis(figures, details)


def write_details(folder: Path, diagnosis: Diagnosis) -> None:
    """Write diagnostics.json; its figures go into metrics.json."""
    write_json(folder / DETAILS, diagnosis.details)


def read_details(folder: Path) -> dict[str, Any] | None:
    """Return what `write_details` stored, in its present keys; None for a folder without it."""
    file = folder / DETAILS
    return _present_keys(read_json(file)) if file.is_file() else None


def _present_keys(details: dict[str, Any]) -> dict[str, Any]:
    """Return stored details with the keys of today: release 0.1 wrote results as answers with a cosine."""
    queries = [
        {name: value for name, value in query.items() if name != "answers"}
        | {"results": [_present_result(result) for result in query.get("results", query.get("answers"))]}
        for query in details["worst_queries"]
    ]
    return {**details, "worst_queries": queries}


def _present_result(result: Mapping[str, Any]) -> dict[str, Any]:
    similarity = result["similarity"] if "similarity" in result else result["cosine"]
    return {"id": result["id"], "label": result["label"], "similarity": similarity}


def _by_class(labels: NDArray[np.int64], scores: PerQueryScores) -> list[dict[str, Any]]:
    """Return every measured class with its mean figures, the one with the lowest Recall@1 first."""
    asked, columns = labels[scores.rows], scores.columns()
    entries = [
        {
            "label": int(asked[places[0]]),
            "queries": len(places),
            "recall_at_1": float(columns["precision_at_1"][places].mean()),
            "map_at_r": float(columns["map_at_r"][places].mean()),
        }
        for places in groups(asked)
    ]
    return sorted(entries, key=lambda entry: (entry["recall_at_1"], entry["map_at_r"], entry["label"]))


def _worst_queries(
    scores: PerQueryScores, labels: NDArray[np.int64], ids: NDArray[np.int64], near: Ints, cosines: Floats
) -> list[dict[str, Any]]:
    """Return the queries of the lowest average precision with their results, the most confident mistake first."""
    order = np.lexsort((-cosines[scores.rows, 0], scores.by_metric["map_at_r"]))[:WORST_QUERIES]
    return [
        {
            "id": int(ids[row]),
            "label": int(labels[row]),
            "average_precision": float(scores.by_metric["map_at_r"][place]),
            "results": [
                {"id": int(ids[other]), "label": int(labels[other]), "similarity": round(float(cosine), 4)}
                for other, cosine in zip(near[row, :SHOWN_ANSWERS], cosines[row], strict=False)
            ],
        }
        for place, row in zip(order, scores.rows[order], strict=True)
    ]
