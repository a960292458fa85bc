"""Measure embeddings: whoever made them, by the same exact search."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import DatasetError
from mlcore.events import Progress, no_progress
from mlcore.metrics import bootstrap_intervals, clustering_metrics, per_query_scores

KS = (1, 2, 4, 8)
# k-means costs minutes beyond this many classes; the ranking metrics do not.
MOST_CLUSTERED_CLASSES = 2000


def measure(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    intervals: bool = True,
    clusters: bool = False,
    seed: int = 0,
    ks: tuple[int, ...] = KS,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Return the metrics of embeddings [N, D] with labels [N] as plain JSON values, fractions of 1.

    A k that a small gallery does not have is left out. `intervals` adds 95 % bootstrap intervals,
    `clusters` NMI and AMI (up to 2,000 classes).

    Raises:
        MetricsError: no class has two pictures, or a row is not finite.
    """
    fitting = tuple(k for k in ks if k < len(labels)) or ks[:1]
    scores = per_query_scores(embeddings, labels, fitting, progress=progress)
    metrics: dict[str, Any] = scores.means().to_json()
    metrics["classes"] = len(np.unique(labels))
    if intervals:
        metrics["intervals"] = {
            name: list(bounds) for name, bounds in bootstrap_intervals(scores, labels, seed=seed).items()
        }
    if clusters and metrics["classes"] <= MOST_CLUSTERED_CLASSES:
        progress("clusters", 0, 1)
        metrics |= clustering_metrics(embeddings, labels, seed)
    return metrics


def read_labelled(embeddings: Path, labels: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return embeddings [N, D] of a .npy file and labels [N] of a CSV with one row each, in order.

    The CSV's labels, of any text, stand in its column `label`, or in its only column.

    Raises:
        DatasetError: a file cannot be read, or the two do not fit.
    """
    try:
        values = np.load(embeddings, allow_pickle=False)
        with labels.open(newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, EOFError, csv.Error) as error:
        raise DatasetError(f"cannot read the embeddings or their labels: {error}") from error
    names = _label_column(rows, labels)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise DatasetError(f"{embeddings.name} must hold one array of numbers, saved by numpy.save")
    if values.ndim != 2 or len(values) != len(names):
        raise DatasetError(
            f"{embeddings.name} has shape {values.shape}, {labels.name} has {len(names)} labels; expected [N, D] and N"
        )
    return values.astype(np.float32), np.unique(names, return_inverse=True)[1].astype(np.int64)


def _label_column(rows: list[list[str]], file: Path) -> list[str]:
    if rows and "label" in rows[0]:
        column, width = rows[0].index("label"), len(rows[0])
        for line, row in enumerate(rows, 1):
            if row and len(row) != width:
                raise DatasetError(f"row {line} of {file.name} has {len(row)} columns, its header has {width}")
        return [row[column] for row in rows[1:] if row]
    if all(len(row) == 1 for row in rows if row):
        return [row[0] for row in rows if row]
    raise DatasetError(f"{file.name} needs a column named 'label', or one column alone")
