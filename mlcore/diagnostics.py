"""Why a model's figures are what they are: the shape of its space, its hubs, and what it gets wrong.

Everything is of the held-out pictures, on unit vectors. Each picture's gallery is all the others; where some are
queries, neighbours and hubs are of their gallery.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlcore.artifacts import read_json, write_json
from mlcore.datasets import DatasetFolder
from mlcore.evaluate import MOST_CLUSTERED_CLASSES
from mlcore.metrics import PerQueryScores, clustering_metrics
from mlcore.near_duplicates import NearDuplicate
from mlcore.ranking import SCORE_STEPS, Floats, Ints, quantised_unit_rows

DETAILS = "diagnostics.json"
NEIGHBOURS = 10
WORST_QUERIES = 20
SHOWN_ANSWERS = 5
HUBS = 10
NEAR_DUPLICATES = 100
_SCORES_AT_ONCE = 1 << 23
_LEAST_SHARE = 1e-12  # of a singular value that is 0: the divergence stays a number


@dataclass(frozen=True)
class Meaning:
    """What a figure is called, how to read it, and whether it is shown as a share (percent), number or count."""

    title: str
    reading: str
    kind: Literal["share", "number", "count"] = "number"


MEANINGS = {
    "nmi": Meaning(
        "NMI",
        "Normalised mutual information of classes and as many k-means clusters, one start: how well the space "
        "falls apart into classes by itself. Flattered by many classes.",
        "share",
    ),
    "ami": Meaning("AMI", "The same, adjusted for chance: 0 for clusters drawn at random.", "share"),
    "density": Meaning(
        "Density",
        "Mean distance within a class over mean distance between the centres of classes. Lower is tighter; "
        "very tight spaces transfer badly to new classes (Roth et al., ICML 2020).",
    ),
    "spectral_decay": Meaning(
        "Spectral decay ρ",
        "How far the singular values are from all being equal, in nats. 0 uses every direction alike; "
        "a high value uses few (Roth et al., ICML 2020).",
    ),
    "alignment": Meaning(
        "Alignment",
        "Mean squared distance of two pictures of one class, 0 to 4. Lower is better (Wang & Isola, ICML 2020).",
    ),
    "uniformity": Meaning(
        "Uniformity",
        "Log of the mean Gaussian potential of all pairs, 0 when all pictures lie on one point. "
        "Lower is more spread (Wang & Isola, ICML 2020).",
    ),
    "hubness": Meaning(
        "Hubness",
        "Skewness of how often a picture is among the ten nearest of others. Near 0 no picture is everybody's "
        "neighbour; above 1 some are (Radovanović et al., JMLR 2010).",
    ),
    "never_found": Meaning("Never found", "Share of pictures that are among the ten nearest of no other.", "share"),
    "worst_class_recall_at_1": Meaning("Worst class, Recall@1", "Recall@1 of the class that does worst.", "share"),
    "classes_below_half": Meaning("Classes below half", "Share of classes whose Recall@1 is under 50 %.", "share"),
    "near_duplicates": Meaning(
        "Near-duplicates",
        "Measured pictures that were learned from too, but for size, compression or brightness. "
        "Each flatters the figures; 0 is right.",
        "count",
    ),
}


@dataclass(frozen=True)
class Diagnosis:
    """Why a space earns what it earns.

    figures: a number each of MEANINGS, without what the space does not have.
    details: classes, worst queries and hubs, as plain JSON values.
    """

    figures: dict[str, float]
    details: dict[str, Any]

    def named(self, dataset: DatasetFolder) -> "Diagnosis":
        """Return the same, its details with the names of classes by label and the paths of pictures by id."""
        shown = [*self.details["worst_queries"], *self.details["hubs"]]
        shown += [answer for query in self.details["worst_queries"] for answer in query["answers"]]
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


def diagnose(
    embeddings: ArrayLike,
    labels: NDArray[np.int64],
    ids: NDArray[np.int64],
    scores: PerQueryScores,
    *,
    asks: NDArray[np.bool_] | None = None,
) -> Diagnosis:
    """Look into a measured space.

    Shapes: embeddings [N, D]; labels, ids [N]; scores are of the same rows; asks [N]: which are queries, the
    others being their gallery, None where each asks all the others.

    Raises:
        MetricsError: a row is zero or not finite.
    """
    unit = quantised_unit_rows(embeddings)
    gallery = np.arange(len(unit)) if asks is None else np.flatnonzero(~asks)
    largest = len(unit) - 1 if asks is None else len(gallery)
    near, cosines, uniformity = _neighbourhoods(unit, min(NEIGHBOURS, largest), asks)
    found = np.bincount((near if asks is None else near[asks]).ravel(), minlength=len(unit))[gallery]
    classes = _by_class(labels, scores)
    recalls = np.array([entry["recall_at_1"] for entry in classes])
    density = _density(unit, labels)
    figures = {
        **(clustering_metrics(unit, labels, seed=0) if len(classes) <= MOST_CLUSTERED_CLASSES else {}),
        **({} if density is None else {"density": density}),
        "spectral_decay": spectral_decay(unit),
        "alignment": _alignment(unit, labels),
        "uniformity": uniformity,
        "hubness": _skewness(found),
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
    """Return what `write_details` stored; None for a folder without it, as embeddings from outside are."""
    file = folder / DETAILS
    return read_json(file) if file.is_file() else None


def spectral_decay(unit: Floats) -> float:
    """Return KL(U || S) in nats, S being the singular values of rows [N, D] as shares of their sum.

    Source: Roth et al., ICML 2020, section 5, rho; over all min(N, D) singular values.
    """
    squared = np.linalg.eigvalsh(unit.T @ unit if unit.shape[0] > unit.shape[1] else unit @ unit.T)
    values = np.sqrt(np.maximum(squared, 0))
    shares = np.maximum(values / values.sum(), _LEAST_SHARE)
    return float(-np.log(len(shares) * shares).mean())


def _neighbourhoods(unit: Floats, count: int, asks: NDArray[np.bool_] | None) -> tuple[Ints, Floats, float]:
    """Return the rows and cosines [N, count] of each row's nearest others, and uniformity (t = 2).

    With asks [N] only the neighbours of rows that ask mean something, and they are all of the others.
    """
    total = len(unit)
    near, cosines, potential = np.empty((total, count), np.int64), np.empty((total, count)), 0.0
    columns = np.arange(total)
    step = max(1, _SCORES_AT_ONCE // total)
    for start in range(0, total, step):
        rows = columns[start : start + step]
        scores = unit[rows] @ unit.T
        potential += float(np.exp(4 * scores - 4).sum()) - len(rows)  # exp(-2 |x - y|^2), less each with itself
        # At equal scores the earlier row stands first: one integer holds both.
        keys = np.rint(scores * SCORE_STEPS).astype(np.int64) * total - columns
        keys[np.arange(len(rows)), rows] = np.iinfo(np.int64).min
        if asks is not None:
            keys[:, asks] = np.iinfo(np.int64).min
        best = np.argpartition(keys, total - count, axis=1)[:, total - count :]
        order = np.argsort(-np.take_along_axis(keys, best, axis=1), axis=1)
        near[rows] = np.take_along_axis(best, order, axis=1)
        cosines[rows] = np.take_along_axis(scores, near[rows], axis=1)
    return near, np.clip(cosines, -1, 1), float(np.log(potential / (total * (total - 1))))


def _density(unit: Floats, labels: NDArray[np.int64]) -> float | None:
    """Return the mean distance within classes over that between class centres (Roth et al. 2020, section 5).

    None where all centres are one point, or there is one class only: nothing is between them.
    """
    within, pairs = 0.0, 0
    centres = []
    for rows in _groups(labels):
        centres.append(unit[rows].mean(axis=0))
        within += float(_distances(unit[rows], unit[rows]).sum())
        pairs += len(rows) * (len(rows) - 1)
    middle = np.array(centres)
    blocks = range(0, len(middle), 1024)
    between = sum(float(_distances(middle[start : start + 1024], middle).sum()) for start in blocks)
    if not between:
        return None
    return (within / pairs) / (between / (len(middle) * (len(middle) - 1)))


def _alignment(unit: Floats, labels: NDArray[np.int64]) -> float:
    """Return the mean squared distance of two rows of a class (Wang & Isola 2020, equation 1, alpha = 2)."""
    total, pairs = 0.0, 0
    for rows in _groups(labels):
        count = len(rows)
        # The squared distances of all pairs of unit rows sum up to 2 (n^2 - |sum of rows|^2).
        total += 2 * (count**2 - float(np.square(unit[rows].sum(axis=0)).sum()))
        pairs += count * (count - 1)
    return max(0.0, total / pairs)


def _distances(first: Floats, second: Floats) -> Floats:
    squared = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1) - 2 * first @ second.T
    # Rows are rounded to 2^-26: what is nearer than that is the same.
    return np.sqrt(np.where(squared > 2.0**-46, squared, 0))


def _groups(labels: NDArray[np.int64]) -> Sequence[Ints]:
    """Return the rows of each class, in the order of labels."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _skewness(counts: Ints) -> float:
    spread = counts.std()
    return float(((counts - counts.mean()) ** 3).mean() / spread**3) if spread else 0.0


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
        for places in _groups(asked)
    ]
    return sorted(entries, key=lambda entry: (entry["recall_at_1"], entry["map_at_r"], entry["label"]))


def _worst_queries(
    scores: PerQueryScores, labels: NDArray[np.int64], ids: NDArray[np.int64], near: Ints, cosines: Floats
) -> list[dict[str, Any]]:
    """Return the queries of the lowest average precision with what they got, the surest mistake first."""
    order = np.lexsort((-cosines[scores.rows, 0], scores.average_precision))[:WORST_QUERIES]
    return [
        {
            "id": int(ids[row]),
            "label": int(labels[row]),
            "average_precision": float(scores.average_precision[place]),
            "answers": [
                {"id": int(ids[other]), "label": int(labels[other]), "cosine": round(float(cosine), 4)}
                for other, cosine in zip(near[row, :SHOWN_ANSWERS], cosines[row], strict=False)
            ],
        }
        for place, row in zip(order, scores.rows[order], strict=True)
    ]
