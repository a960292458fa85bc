"""Retrieval and clustering figures from exact search in bounded memory (see ranking.py for its rules).

Every figure is a fraction from 0 to 1; whoever shows it multiplies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlcore.errors import MetricsError
from mlcore.evaluation.metric_table import METRICS, RECALL_AT_K
from mlcore.evaluation.ranking import (
    Floats,
    Ints,
    RetrievalTask,
    checked_labels,
    first_relevant,
    ranked_relevance,
    retrieval_task,
    unit_rows,
)
from mlcore.events import Progress, no_progress

_SCORES_AT_ONCE = 1 << 24
"""Bound on queries x gallery held at a time: 128 MiB of float64, 64 MiB of ranking keys."""


@dataclass(frozen=True)
class RetrievalMetrics:
    """Means over the measured queries, as fractions from 0 to 1.

    means: of every metric of the table that scores rankings, by name. `queries` were measured;
    `queries_without_match` have no picture of their class to find and were left out.
    """

    recall_at: dict[int, float]
    means: dict[str, float]
    queries: int
    queries_without_match: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; the ks of `recall_at` become strings."""
        return {
            RECALL_AT_K: {str(k): value for k, value in self.recall_at.items()},
            **self.means,
            "queries": self.queries,
            "queries_without_match": self.queries_without_match,
        }


@dataclass(frozen=True)
class PerQueryScores:
    """What each measured query earned; the raw material of means, intervals and paired tests.

    Shapes: rows [Q], row numbers in the embeddings; hits [Q, len(ks)], whether the class was met among
    the first k; by_metric: [Q] of every metric of the table that scores rankings, by name.
    `queries_without_match` counts the queries left out, `total` the rows of the embeddings.
    """

    ks: tuple[int, ...]
    rows: Ints
    hits: NDArray[np.bool_]
    by_metric: dict[str, Floats]
    queries_without_match: int
    total: int

    def columns(self) -> dict[str, Floats]:
        """Return one array [Q] a figure, by the figure's name."""
        recalls = self.hits.astype(np.float64)
        return {f"{RECALL_AT_K}_{k}": recalls[:, place] for place, k in enumerate(self.ks)} | self.by_metric

    def means(self) -> RetrievalMetrics:
        """Return the mean of every figure over the measured queries."""
        return RetrievalMetrics(
            recall_at={k: float(self.hits[:, place].mean()) for place, k in enumerate(self.ks)},
            means={name: float(values.mean()) for name, values in self.by_metric.items()},
            queries=len(self.rows),
            queries_without_match=self.queries_without_match,
        )


def retrieval_metrics(
    embeddings: ArrayLike,
    labels: ArrayLike,
    ks: Sequence[int] = (1, 2, 4, 8),
    *,
    ids: ArrayLike | None = None,
    is_query: ArrayLike | None = None,
    block_size: int = 1024,
    progress: Progress = no_progress,
) -> RetrievalMetrics:
    """Return the mean figures of every query: see `per_query_scores`."""
    found = per_query_scores(
        embeddings, labels, ks, ids=ids, is_query=is_query, block_size=block_size, progress=progress
    )
    return found.means()


def per_query_scores(
    embeddings: ArrayLike,
    labels: ArrayLike,
    ks: Sequence[int] = (1, 2, 4, 8),
    *,
    ids: ArrayLike | None = None,
    is_query: ArrayLike | None = None,
    block_size: int = 1024,
    progress: Progress = no_progress,
) -> PerQueryScores:
    """Rank all other pictures for every picture, or the gallery for every query, and score each ranking.

    Shapes: embeddings [N, D], of any length (normalised here); labels [N]; ids [N]. Rows that share an id
    are one picture and stay out of each other's galleries; without ids every row is its own picture.
    is_query [N], true or false: those rows are the queries and the others their gallery; without it every row
    searches all others. `block_size` bounds the queries ranked at a time and changes no figure.
    Raises: MetricsError for a zero or non-finite row, shapes that do not match, a k outside 1 to the
    gallery's size, an id with two labels, or when no query has a picture to find.
    """
    if block_size < 1:
        raise MetricsError(f"block_size must be at least 1, got {block_size}")
    task = retrieval_task(embeddings, labels, ids, is_query)
    depths = _checked_ks(ks, task.smallest)
    rows = np.flatnonzero(task.relevant > 0)
    if len(rows) == 0:
        fault = (
            "no class has two pictures" if is_query is None else "no query has a picture of its class in the gallery"
        )
        raise MetricsError(f"{fault}, so there is nothing to find")
    first, scores = _score_all(task, rows, depths[-1], block_size, progress)
    return PerQueryScores(
        ks=depths,
        rows=rows,
        hits=first[:, None] < np.asarray(depths),
        by_metric=scores,
        queries_without_match=task.queries - len(rows),
        total=len(task.every),
    )


def _score_all(
    task: RetrievalTask, rows: Ints, deepest: int, block_size: int, progress: Progress
) -> tuple[Ints, dict[str, Floats]]:
    """Return of each query, [Q]: how many pictures stand before the first relevant one, and its metrics by name.

    Of a first one beyond `deepest` it is only known that it stands there.
    """
    depth = int(task.relevant.max())
    first = np.empty(len(rows), dtype=np.int64)
    functions = {name: metric.score for name, metric in METRICS.items() if metric.score is not None}
    scores = {name: np.empty(len(rows)) for name in functions}
    for start, stop in _blocks(len(rows), len(task.gallery), block_size):
        relevance = ranked_relevance(task, rows[start:stop], depth)
        found = relevance.any(axis=1)
        first[start:stop] = np.where(found, relevance.argmax(axis=1), deepest)
        if deepest > depth:
            deeper = np.flatnonzero(~found)
            first[start + deeper] = first_relevant(task, rows[start + deeper])
        for name, score in functions.items():
            scores[name][start:stop] = score(relevance, task.relevant[rows[start:stop]])
        progress("metrics", stop, len(rows))
    return first, scores


def clustering_metrics(embeddings: ArrayLike, labels: ArrayLike, seed: int) -> dict[str, float]:
    """Return {"nmi", "ami"} of k-means with as many clusters as there are classes, against the classes.

    Scikit-learn's KMeans, k-means++ and ONE start from `seed` (the field's custom; report mean and sd over
    seeds), on L2-normalised rows in float32, arithmetic mean in both scores. Figures of other k-means
    (faiss) or of the geometric mean are not comparable with these.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_mutual_info_score, normalized_mutual_info_score
    from threadpoolctl import threadpool_limits

    rows = unit_rows(embeddings).astype(np.float32)
    truth = checked_labels(labels, len(rows))
    clusters = len(np.unique(truth))
    with threadpool_limits(1):  # several threads add up in any order, and wait for each other on a busy machine
        found = KMeans(n_clusters=clusters, n_init=1, random_state=seed).fit_predict(rows)
    return {
        "nmi": float(normalized_mutual_info_score(truth, found, average_method="arithmetic")),
        "ami": float(adjusted_mutual_info_score(truth, found, average_method="arithmetic")),
    }


def _checked_ks(ks: Sequence[int], smallest_gallery: int) -> tuple[int, ...]:
    if not ks:
        raise MetricsError("ks is empty; give at least one k")
    for k in ks:
        if isinstance(k, bool) or not isinstance(k, int | np.integer):
            raise MetricsError(f"k must be a whole number, got {k!r}")
        if not 1 <= k <= smallest_gallery:
            raise MetricsError(f"k must lie between 1 and the gallery's {smallest_gallery} pictures, got {k}")
    return tuple(sorted({int(k) for k in ks}))


def _blocks(queries: int, gallery: int, block_size: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of each block, narrower than asked where the gallery is large."""
    step = max(1, min(block_size, _SCORES_AT_ONCE // gallery))
    for start in range(0, queries, step):
        yield start, min(start + step, queries)
