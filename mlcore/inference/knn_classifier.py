"""What is it? The class that a picture's nearest neighbours vote for, and how sure that is.

A neighbour's vote weighs exp(cosine / 0.07), as in Wu et al., "Unsupervised Feature Learning via
Non-Parametric Instance Discrimination", CVPR 2018, section 3.4. Votes are no probabilities: how often such a vote
is right is learned from pictures that were left out of their own search (logistic regression, Platt 1999).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 1
TEMPERATURE = 0.07
VOTERS = (1, 3, 5, 10)
"""How many neighbours may vote; the largest that a search has answers for is taken."""
MOST_QUERIES, LEAST_QUERIES = 2000, 40
COMPARISONS = 30_000_000
"""Of a query with a picture, at most, but for 200 queries: a second or two on one core at 512 dimensions."""
NEAR = 0.05
"""Of the pictures, the share whose nearest of their own class is further away than what counts as near."""
BINS = 10
_QUERIES_AT_ONCE = 256
_SURE = 1e-3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Vote:
    """Classes with their shares of the vote, the largest first, and the cosine of the nearest neighbour."""

    tally: list[tuple[int, float]]
    top: float

    @property
    def features(self) -> tuple[float, float, float]:
        """What tells how sure the vote is: log-odds of the first share, nearest cosine, lead over the second."""
        first = min(max(self.tally[0][1], _SURE), 1 - _SURE)
        second = self.tally[1][1] if len(self.tally) > 1 else 0.0
        return math.log(first / (1 - first)), self.top, self.tally[0][1] - second


@dataclass(frozen=True)
class Verdict:
    """The class voted for, the probability that it is right, and the others with their shares of the vote.

    near: whether the nearest neighbour is as near as pictures of one class usually are; else perhaps it is none.
    """

    label: int
    confidence: float
    runners_up: list[tuple[int, float]]
    near: bool
    voters: int


@dataclass(frozen=True)
class Sureness:
    """A logistic regression on a vote's features, each held within the range that it was fitted on."""

    bias: float
    slopes: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]

    def of(self, found: Vote) -> float:
        """Return the probability that the first class is right."""
        held = np.clip(found.features, self.least, self.most)
        return 1 / (1 + math.exp(-self.bias - float(held @ np.array(self.slopes))))


@dataclass(frozen=True)
class Calibration:
    """How sure a vote in one space is.

    weights: by number of voters, how sure their votes are. near: the lowest cosine that counts as near.
    error: expected calibration error (10 bins) and accuracy, of `queries` pictures that it was not fitted on.
    strangers: share of pictures that would be told "none of these" if their class were taken out.
    """

    weights: Mapping[int, "Sureness"]
    near: float
    error: float
    accuracy: float
    queries: int
    strangers: float

    def verdict(self, labels: Sequence[int], cosines: Sequence[float]) -> Verdict:
        """Return what the neighbours, best first and at least one, say."""
        voters = max(count for count in self.weights if count <= len(labels))
        found = vote(labels[:voters], cosines[:voters])
        confidence = self.weights[voters].of(found)
        return Verdict(found.tally[0][0], confidence, found.tally[1:], found.top >= self.near, voters)

    def to_json(self) -> dict[str, Any]:
        """Return every field as plain JSON values."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Calibration":
        """Return what `to_json` stored."""
        fields = {name: value for name, value in values.items() if name != "format"}
        weights = {int(count): Sureness(**_tuples(row)) for count, row in fields["weights"].items()}
        return cls(**{**fields, "weights": weights})


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def vote(labels: Sequence[int], cosines: Sequence[float]) -> Vote:
    """Return how the neighbours vote; at equal shares the class of the nearer neighbour stands first."""
    tally: dict[int, float] = {}
    for label, cosine in zip(labels, cosines, strict=True):
        tally[label] = tally.get(label, 0.0) + math.exp((cosine - cosines[0]) / TEMPERATURE)
    total = sum(tally.values())
    ordered = sorted(tally.items(), key=lambda entry: -entry[1])
    return Vote([(label, weight / total) for label, weight in ordered], cosines[0])


def calibrate(vectors: NDArray[Any], labels: Ints, asks: NDArray[np.bool_], seed: int = 0) -> Calibration | None:
    """Return how sure votes among unit vectors [N, D] with labels [N] are; None where too few have kin.

    asks [N]: the pictures that may be left out and asked: those that nothing was trained on. At most 2,000
    are, drawn by seed; half of them fit, the other half tell how well.
    """
    queries = _drawn(labels, asks, seed)
    if len(queries) < LEAST_QUERIES:
        return None
    near, cosines, kin, strangers = _left_out(vectors, labels, queries)
    fitting = np.arange(len(queries)) % 2 == 0  # they stand in random order
    weights, error, accuracy = {}, 0.0, 0.0
    for count in (count for count in VOTERS if count <= near.shape[1]):
        votes = [
            vote(labels[row].tolist(), scores.tolist())
            for row, scores in zip(near[:, :count], cosines[:, :count], strict=True)
        ]
        right = np.array([found.tally[0][0] for found in votes]) == labels[queries]
        weights[count] = _fitted([votes[at].features for at in np.flatnonzero(fitting)], right[fitting])
        sure = np.array([weights[count].of(votes[at]) for at in np.flatnonzero(~fitting)])
        error, accuracy = calibration_error(sure, right[~fitting]), float(right[~fitting].mean())
    threshold = float(np.quantile(kin, NEAR))
    caught = float((strangers < threshold).mean())
    return Calibration(weights, threshold, error, accuracy, int((~fitting).sum()), caught)


def calibration_error(confidences: Floats, right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error of confidences [Q]: 10 bins of equal width, weighted by how many fall in.

    Source: Guo et al., ICML 2017, equation 3.
    """
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    gaps = [
        abs(confidences[bins == at].mean() - right[bins == at].mean()) * (bins == at).mean()
        for at in set(bins.tolist())
    ]
    return float(sum(gaps))


def _drawn(labels: Ints, asks: NDArray[np.bool_], seed: int) -> Ints:
    """Return rows to ask with, of classes that have another picture, in random order."""
    _, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    able = counts[places] > 1
    rows = np.flatnonzero(able & asks)
    if len(rows) < LEAST_QUERIES:
        rows = np.flatnonzero(able)
    most = min(MOST_QUERIES, max(200, COMPARISONS // len(labels)))
    chosen: Ints = np.random.default_rng(seed).permutation(rows)[:most]
    return chosen


def _left_out(vectors: NDArray[Any], labels: Ints, queries: Ints) -> tuple[Ints, Floats, Floats, Floats]:
    """Return the nearest rows and cosines [Q, voters], the nearest cosine [Q] within the class and out of it.

    The query itself is left out by its row.
    """
    count = min(VOTERS[-1], len(vectors) - 1)
    parts = []
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        rows = queries[start : start + _QUERIES_AT_ONCE]
        scores = vectors[rows] @ vectors.T
        scores[np.arange(len(rows)), rows] = -np.inf
        best = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        best = np.take_along_axis(best, order, axis=1)
        same = labels[rows][:, None] == labels
        parts.append(
            (
                best,
                np.take_along_axis(scores, best, axis=1),
                np.where(same, scores, -np.inf).max(axis=1),
                np.where(same, -np.inf, scores).max(axis=1),
            )
        )
    near, cosines, kin, strangers = (np.concatenate(column) for column in zip(*parts, strict=True))
    return near, cosines, kin, strangers


def _fitted(features: Sequence[tuple[float, ...]], right: NDArray[np.bool_]) -> Sureness:
    """Return how sure votes with these features are; where all were right, or none, how often alone."""
    values = np.array(features)
    least, most = tuple(values.min(axis=0).tolist()), tuple(values.max(axis=0).tolist())
    if right.all() or not right.any():
        odds = (int(right.sum()) + 1) / (int((~right).sum()) + 1)  # Laplace: nothing is certain
        return Sureness(math.log(odds), (0.0,) * len(least), least, most)
    from sklearn.linear_model import LogisticRegression

    middle, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    model = LogisticRegression().fit((values - middle) / spread, right)
    slopes = model.coef_[0] / spread
    return Sureness(float(model.intercept_[0] - slopes @ middle), tuple(slopes.tolist()), least, most)
