"""The evaluation of embeddings by exact search, and the files of their scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mlcore.datasets.source import KS
from mlcore.datasets.tables import Table, load_table
from mlcore.errors import CheckpointError, DatasetError
from mlcore.evaluation.intervals import class_intervals
from mlcore.evaluation.metrics import PerQueryScores, clustering_metrics, per_query_scores
from mlcore.events import Progress, no_progress

LABEL_COLUMNS = ("label", "class")
PER_QUERY = "per_query.npz"
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

    A k that a small gallery does not have is left out. `intervals` adds 95 % intervals over classes,
    `clusters` NMI and AMI (up to 2,000 classes).

    Raises:
        MetricsError: no class has two pictures, or a row is not finite.
    """
    scores = score(embeddings, labels, ks=ks, progress=progress)
    metrics = summarise(scores, labels, intervals=intervals)
    if clusters and metrics["classes"] <= MOST_CLUSTERED_CLASSES:
        progress("clusters", 0, 1)
        metrics |= clustering_metrics(embeddings, labels, seed)
    return metrics


def score(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    is_query: NDArray[np.bool_] | None = None,
    ks: tuple[int, ...] = KS,
    progress: Progress = no_progress,
) -> PerQueryScores:
    """Return what each query earns; a k that a small gallery does not have is left out.

    is_query [N]: which pictures are queries, the others are their gallery; None where each searches all others.
    """
    largest = len(labels) - 1 if is_query is None else np.count_nonzero(~is_query)
    fitting = tuple(k for k in ks if k <= largest) or ks[:1]
    return per_query_scores(embeddings, labels, fitting, is_query=is_query, progress=progress)


def summarise(scores: PerQueryScores, labels: NDArray[np.int64], *, intervals: bool = True) -> dict[str, Any]:
    """Return the means, and 95 % intervals over classes, of scores of pictures with labels [N], as plain JSON."""
    metrics: dict[str, Any] = scores.means().to_json()
    metrics["classes"] = len(np.unique(labels))
    if intervals:
        of_queries = labels[scores.rows]
        metrics["intervals"] = {
            name: list(bounds) for name, bounds in class_intervals(scores.columns(), of_queries).items()
        }
    return metrics


@dataclass(frozen=True)
class StoredScores:
    """What each query of a run earned, as kept beside its metrics.

    Shapes: ids, labels [Q]; columns: {"recall_at_1": [Q], ..., "map_at_r": [Q]}.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]


def write_per_query(folder: Path, scores: PerQueryScores, ids: NDArray[np.int64], labels: NDArray[np.int64]) -> None:
    """Write per_query.npz; ids and labels [N] are of the pictures that were measured."""
    rows = scores.rows
    arrays: dict[str, Any] = {"ids": ids[rows], "labels": labels[rows], **scores.columns()}
    np.savez_compressed(folder / PER_QUERY, **arrays)


def read_per_query(folder: Path) -> StoredScores:
    """Return what `write_per_query` stored.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        with np.load(folder / PER_QUERY, allow_pickle=False) as stored:
            arrays = dict(stored)
            return StoredScores(arrays.pop("ids"), arrays.pop("labels"), arrays)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise CheckpointError(f"the scores of each query in {folder} cannot be read: {error}") from error


def read_labelled(embeddings: Path, labels: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return embeddings [N, D] of a .npy file and labels [N] of a table with one row each, in order.

    The table's labels, of any text, stand in its column `label` or `class`, or in its only column, which needs no
    header then. For encodings and separators see `read_table`.

    Raises:
        DatasetError: a file cannot be read, or the two do not fit.
    """
    try:
        values = np.load(embeddings, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"cannot read the embeddings in {embeddings.name}: {error}") from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        raise DatasetError(f"{embeddings.name} must hold one array of numbers, saved by numpy.save")
    names = _labels_of(load_table(labels), len(values) if values.ndim else 0)
    if values.ndim != 2 or len(values) != len(names):
        raise DatasetError(
            f"{embeddings.name} has shape {values.shape}, {labels.name} has {len(names)} labels; expected [N, D] and N"
        )
    return values.astype(np.float32), np.unique(names, return_inverse=True)[1].astype(np.int64)


def _labels_of(table: Table, count: int) -> list[str]:
    """Return the labels of a table; a single column that is one short of `count` has no header."""
    if len(table.columns) == 1:
        names = [row[0] for row in table.rows]
        headed = table.column(LABEL_COLUMNS) is not None or len(names) == count
        return names if headed else [table.columns[0], *names]
    column = table.required(*LABEL_COLUMNS)
    return [row[column] for row in table.rows]
