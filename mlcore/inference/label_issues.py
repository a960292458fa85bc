"""Labels that look wrong: pictures whose nearest neighbours agree on another class.

The votes are those of `knn_classifier`; no picture votes for itself. Issues are ranked by the margin between the
suggested class and the own one, as confident learning does (Northcutt, Jiang, Chuang, "Confident Learning: Estimating
Uncertainty in Dataset Labels", JAIR 2021). Its threshold for each class, the mean share that the class has among its
own pictures, is not used: in simulations with flipped labels two fixed bounds found more of them with fewer false
ones (tests/mlcore/inference/test_label_issues.py). Nor are the votes those of classifiers trained in folds: a network
that was trained on a wrong label may have learned to place the picture by it. What comes out is a list to look at.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.inference.knn_classifier import TEMPERATURE, nearest_others

FORMAT = 1
VOTERS = 10
LEAST_CONFIDENCE = 0.5
"""Least share of the votes for the suggested class: less than half is no agreement."""
MOST_OWN = 0.1
"""Share of the votes for the picture's own class from which on the label is left alone."""
MOST_ISSUES = 500
SUPPORTING = 3
"""How many neighbours of the suggested class are named."""
_SCORES_AT_ONCE = 3 << 21

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LabelIssue:
    """A picture whose label looks wrong.

    confidence, own: the shares of the votes, 0 to 1, for the suggested class and for the picture's own.
    neighbours: ids of its nearest pictures of the suggested class, nearest first.
    """

    id: int
    label: int
    suggested: int
    confidence: float
    own: float
    neighbours: tuple[int, ...]


@dataclass(frozen=True)
class LabelCheck:
    """The labels that look wrong, most certain first, at most 500.

    found: how many there are. checked: how many of all `pictures` were looked at. agreement: share of those whose
    neighbours give most votes to the picture's own class.
    """

    issues: tuple[LabelIssue, ...]
    found: int
    checked: int
    pictures: int
    agreement: float

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "LabelCheck | None":
        """Return what `to_json` stored; None for another format."""
        if values.get("format") != FORMAT:
            return None
        issues = tuple(LabelIssue(**{**row, "neighbours": tuple(row["neighbours"])}) for row in values["issues"])
        return cls(issues, *(values[name] for name in ("found", "checked", "pictures", "agreement")))


def check_labels(vectors: Floats, labels: Ints, ids: Ints, *, comparisons: int, seed: int = 0) -> LabelCheck:
    """Return the labels that look wrong among unit vectors [N, D] with labels and ids [N].

    comparisons: of one picture with another, at most, but for one picture's with all; where N times N are more, the
    pictures that are checked are drawn by seed. All others vote. Memory: beside the arguments, 0.1 GB and 400 bytes
    for each picture checked.
    """
    total = len(labels)
    if total < 2:
        return LabelCheck((), 0, 0, total, 0.0)
    drawn = np.random.default_rng(seed).permutation(total)[: max(1, min(total, comparisons // total))]
    rows = np.sort(drawn).astype(np.int64)
    near, shares = _nearest_votes(vectors, rows)
    voted, own_labels = labels[near], labels[rows]
    votes = _votes_by_class(voted, shares)
    is_own = voted == own_labels[:, None]
    own = np.where(is_own, votes, 0).max(axis=1)
    best = np.where(is_own, 0, votes).argmax(axis=1)
    confidence = np.where(is_own, 0, votes).max(axis=1)
    wrong = np.flatnonzero((confidence >= LEAST_CONFIDENCE) & (own < MOST_OWN))
    order = wrong[np.lexsort((rows[wrong], own[wrong] - confidence[wrong]))]
    issues = tuple(
        LabelIssue(
            int(ids[rows[at]]),
            int(own_labels[at]),
            int(voted[at, best[at]]),
            round(float(confidence[at]), 4),
            round(float(own[at]), 4),
            tuple(ids[near[at][voted[at] == voted[at, best[at]]]][:SUPPORTING].tolist()),
        )
        for at in order[:MOST_ISSUES]
    )
    return LabelCheck(issues, len(order), len(rows), total, float((own > confidence).mean()))


def _nearest_votes(vectors: Floats, rows: Ints) -> tuple[Ints, Floats]:
    """Return the nearest other rows [Q, K], nearest first, and their shares of the votes [Q, K]."""
    total = len(vectors)
    count = min(VOTERS, total - 1)
    near, shares = np.empty((len(rows), count), np.int64), np.empty((len(rows), count), np.float32)
    step = max(1, _SCORES_AT_ONCE // total)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        scores, near[part] = nearest_others(vectors, rows[part], count)
        best_scores = np.take_along_axis(scores, near[part], axis=1)
        weights = np.exp((best_scores - best_scores[:, :1]) / TEMPERATURE)
        shares[part] = weights / weights.sum(axis=1, keepdims=True)
    return near, shares


def _votes_by_class(voted: Ints, shares: Floats) -> Floats:
    """Return [Q, K], for each neighbour the share of the votes that all of its class have."""
    votes = np.zeros_like(shares)
    for place in range(shares.shape[1]):
        votes += np.where(voted == voted[:, place, None], shares[:, place, None], 0)
    return votes
