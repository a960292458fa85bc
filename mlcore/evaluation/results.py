"""The results of an evaluation: metrics, scores of every query, diagnostics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.artifacts import write_json
from mlcore.datasets import DatasetFolder
from mlcore.evaluation.diagnostics import Diagnosis, diagnose, write_details
from mlcore.evaluation.evaluate import score, summarise, write_per_query
from mlcore.evaluation.metrics import PerQueryScores
from mlcore.evaluation.near_duplicates import NearDuplicate
from mlcore.events import Progress, no_progress


@dataclass(frozen=True)
class Measurement:
    """Shapes: ids and labels [N] of the measured pictures. metrics: plain JSON values."""

    metrics: dict[str, Any]
    scores: PerQueryScores
    diagnosis: Diagnosis
    ids: NDArray[np.int64]
    labels: NDArray[np.int64]

    def store(self, folder: Path) -> None:
        """Write metrics.json, per_query.npz and diagnostics.json."""
        write_json(folder / "metrics.json", self.metrics)
        write_per_query(folder, self.scores, self.ids, self.labels)
        write_details(folder, self.diagnosis)

    def of_training(
        self, history: Sequence[Mapping[str, Any]], near_duplicates: Sequence[NearDuplicate]
    ) -> "Measurement":
        """Return the same, which also says how the training went and which measured pictures it learned from."""
        diagnosis = self.diagnosis.with_training(history).with_near_duplicates(near_duplicates)
        return replace(self, diagnosis=diagnosis, metrics=self.metrics | {"diagnostics": diagnosis.figures})


def measure_rows(
    embeddings: NDArray[np.float32],
    dataset: DatasetFolder,
    rows: NDArray[np.int64],
    *,
    measured_on: str = "test",
    progress: Progress = no_progress,
) -> Measurement:
    """Measure embeddings [N, D] of the pictures in those rows [N] of a data set.

    Where some are queries, they are asked against the others, `gallery` of them.

    Raises:
        MetricsError: no query has a picture to find, or a row is not finite.
    """
    ids, labels, is_query = dataset.ids[rows], dataset.labels[rows], dataset.is_query(rows)
    scores = score(embeddings, labels, is_query=is_query, ks=dataset.ks, progress=progress)
    diagnosis = diagnose(embeddings, labels, ids, scores, is_query=is_query).named(dataset)
    metrics = summarise(scores, labels) | {
        "dim": embeddings.shape[1],
        "measured_on": measured_on,
        "dataset": dataset.name,
        "diagnostics": diagnosis.figures,
    }
    if is_query is not None:
        metrics["gallery"] = int(np.count_nonzero(~is_query))
    return Measurement(metrics, scores, diagnosis, ids, labels)
