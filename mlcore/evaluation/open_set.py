"""Open set: can the similarity to the nearest picture tell that a query's class is not in the gallery?

The held-out classes are divided into two halves, the same for every run. The pictures of one half are the gallery.
Queries of that half are known, those of the other are unknown; then the halves change places.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlcore.evaluation.ranking import Floats, Ints, quantised_unit_rows

ACCEPTED_PERCENT = 95
"""Percent of known queries that a threshold accepts."""
SEED = 0
_SCORES_AT_ONCE = 1 << 23


@dataclass(frozen=True)
class OpenSet:
    """Means over both halves, as fractions of 1.

    auroc: the chance that a known query is nearer to the gallery than an unknown one, ties counting half.
    fpr_at_95_tpr: unknown queries accepted at the threshold that accepts 95 % of these known ones.
    false_rejection, correct_rejection: known and unknown queries rejected at the threshold that accepts 95 % of the
    known queries of the OTHER half, which are of other classes.
    """

    auroc: float
    fpr_at_95_tpr: float
    false_rejection: float
    correct_rejection: float


def open_set(
    embeddings: ArrayLike, labels: NDArray[np.int64], *, asked: Ints, is_query: NDArray[np.bool_] | None = None
) -> OpenSet | None:
    """Return how well unknown classes are told from known ones; None where a half has no known or no unknown query.

    Shapes: embeddings [N, D]; labels [N]; asked [Q], the rows that are asked; is_query [N]: which are queries, the
    others being their gallery, None where each picture searches all others. A query without a picture of its class to
    find is no known one.

    Raises:
        MetricsError: a row is zero or not finite.
    """
    unit = quantised_unit_rows(embeddings)
    may_answer = np.ones(len(unit), dtype=bool) if is_query is None else ~is_query
    halves = []
    for half in halves_of(labels[asked]):
        gallery = np.flatnonzero(may_answer & np.isin(labels, half))
        found = np.isin(labels[asked], half)
        findable = np.bincount(labels[gallery], minlength=labels.max() + 1)[labels[asked]] > np.isin(asked, gallery)
        if not len(gallery) or not (found & findable).any() or found.all():
            return None
        nearest = nearest_similarities(unit, asked, gallery)
        halves.append((nearest[found & findable], nearest[~found]))
    results = []
    for (known, unknown), (known_elsewhere, _) in zip(halves, halves[::-1], strict=True):
        threshold, transferred = threshold_of(known), threshold_of(known_elsewhere)
        results.append(
            (
                auroc(known, unknown),
                (unknown >= threshold).mean(),
                (known < transferred).mean(),
                (unknown < transferred).mean(),
            )
        )
    return OpenSet(*(float(value) for value in np.mean(results, axis=0)))


def halves_of(labels: NDArray[np.int64]) -> tuple[Ints, Ints]:
    """Return the classes in two halves, drawn from SEED; the second has one more where their number is odd."""
    classes = np.random.default_rng(SEED).permutation(np.unique(labels))
    return classes[: len(classes) // 2], classes[len(classes) // 2 :]


def nearest_similarities(unit: Floats, asked: Ints, gallery: Ints) -> Floats:
    """Return the cosine [Q] of each asked row to the nearest row of the gallery that is not itself."""
    nearest = np.empty(len(asked))
    step = max(1, _SCORES_AT_ONCE // len(gallery))
    for start in range(0, len(asked), step):
        rows = asked[start : start + step]
        scores = unit[rows] @ unit[gallery].T
        scores[rows[:, None] == gallery[None, :]] = -np.inf
        nearest[start : start + step] = scores.max(axis=1)
    return nearest


def auroc(known: Floats, unknown: Floats) -> float:
    """Return the share of pairs in which the known one is higher, ties counting half.

    Source: Hanley & McNeil 1982, the Wilcoxon statistic; for unknown classes: Hendrycks & Gimpel, ICLR 2017.
    """
    ordered = np.sort(unknown)
    below, up_to = (np.searchsorted(ordered, known, side) for side in ("left", "right"))
    return float((below + up_to).sum() / (2 * len(known) * len(unknown)))


def threshold_of(known: Floats) -> float:
    """Return the highest similarity that at least 95 % of the known queries reach."""
    accepted = -(-ACCEPTED_PERCENT * len(known) // 100)
    return float(np.sort(known)[len(known) - accepted])
