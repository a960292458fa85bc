"""The class of a picture by its nearest neighbours, with a calibrated confidence, or that it is unknown.

A neighbour's vote weighs exp(similarity / 0.07), as in Wu et al., "Unsupervised Feature Learning via
Non-Parametric Instance Discrimination", CVPR 2018, section 3.4. Shares of votes are not probabilities: how often
the first class is right is learned from pictures that are left out of the gallery (logistic regression, Platt 1999).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import CheckpointError

FORMAT = 2
RENAMED = {"weights": "models", "near": "unknown_below", "strangers": "unknown_rejection_rate"}
"""Keys of format 1."""
TEMPERATURE = 0.07
VOTERS = (1, 3, 5, 10)
"""Possible numbers of neighbours that vote; the largest that a search has results for is taken."""
MOST_QUERIES, LEAST_QUERIES = 2000, 40
COMPARISONS = 30_000_000
"""Of a query with a picture, at most, but for 200 queries: a second or two on one core at 512 dimensions."""
FAR_SHARE = 0.05
"""Share of pictures whose nearest one of their own class is so far that they would count as unknown."""
BINS = 10
_QUERIES_AT_ONCE = 256
_SURE = 1e-3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Votes:
    """Classes with their shares of the votes, the largest first, and the similarity of the nearest neighbour."""

    shares: list[tuple[int, float]]
    similarity: float

    @property
    def features(self) -> tuple[float, float, float]:
        """The input of a ConfidenceModel: log-odds of the first share, similarity, lead over the second share."""
        first = min(max(self.shares[0][1], _SURE), 1 - _SURE)
        second = self.shares[1][1] if len(self.shares) > 1 else 0.0
        return math.log(first / (1 - first)), self.similarity, self.shares[0][1] - second


@dataclass(frozen=True)
class Prediction:
    """The class predicted, the probability that it is right, and the other classes with their shares of the votes.

    unknown: whether the nearest neighbour is farther than pictures of one class usually are: perhaps it is of none.
    """

    label: int
    confidence: float
    alternatives: list[tuple[int, float]]
    unknown: bool
    voters: int


@dataclass(frozen=True)
class ConfidenceModel:
    """A logistic regression on features of votes, each held within the range that it was fitted on."""

    bias: float
    slopes: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]

    def confidence(self, votes: Votes) -> float:
        """Return the probability that the first class is right."""
        held = np.clip(votes.features, self.least, self.most)
        return 1 / (1 + math.exp(-self.bias - float(held @ np.array(self.slopes))))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ConfidenceModel":
        """Return what `Calibration.to_json` stored of it."""
        slopes, least, most = (tuple(values[name]) for name in ("slopes", "least", "most"))
        return cls(values["bias"], slopes, least, most)


@dataclass(frozen=True)
class Calibration:
    """What turns neighbours of one embedding into predictions, and how good these are.

    models: the confidence by number of voters. unknown_below: a picture is unknown if its nearest neighbour is less
    similar. error: expected calibration error (10 bins) and accuracy, of `queries` pictures that it was not fitted
    on. unknown_rejection_rate: share of pictures that are predicted to be unknown once their class is left out.
    """

    models: Mapping[int, ConfidenceModel]
    unknown_below: float
    error: float
    accuracy: float
    queries: int
    unknown_rejection_rate: float

    def predict(self, labels: Sequence[int], similarities: Sequence[float]) -> Prediction:
        """Return the prediction of neighbours, best first and at least one."""
        voters = max(count for count in self.models if count <= len(labels))
        votes = vote(labels[:voters], similarities[:voters])
        confidence = self.models[voters].confidence(votes)
        unknown = votes.similarity < self.unknown_below
        return Prediction(votes.shares[0][0], confidence, votes.shares[1:], unknown, voters)

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Calibration":
        """Return what `to_json` stored, in this format or the one before.

        Raises:
            CheckpointError: it is of another format.
        """
        if values["format"] not in (1, FORMAT):
            raise CheckpointError(f"a calibration has format {values['format']}, not {FORMAT}; remove the file")
        fields = {RENAMED.get(name, name): value for name, value in values.items() if name != "format"}
        models = {int(count): ConfidenceModel.from_json(row) for count, row in fields["models"].items()}
        return cls(**{**fields, "models": models})


def vote(labels: Sequence[int], similarities: Sequence[float]) -> Votes:
    """Return the votes of neighbours; at equal shares the class of the nearer neighbour comes first."""
    tally: dict[int, float] = {}
    for label, similarity in zip(labels, similarities, strict=True):
        tally[label] = tally.get(label, 0.0) + math.exp((similarity - similarities[0]) / TEMPERATURE)
    total = sum(tally.values())
    ordered = sorted(tally.items(), key=lambda entry: -entry[1])
    return Votes([(label, weight / total) for label, weight in ordered], similarities[0])


def nearest_others(vectors: NDArray[Any], rows: Ints, count: int) -> tuple[NDArray[Any], Ints]:
    """Return the similarities [Q, N] of rows of unit vectors [N, D] with all, -inf with themselves, and the rows of
    the `count` nearest others [Q, count], nearest first.
    """
    scores = vectors[rows] @ vectors.T
    scores[np.arange(len(rows)), rows] = -np.inf
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return scores, np.take_along_axis(best, order, axis=1)


def calibrate(vectors: NDArray[Any], labels: Ints, is_query: NDArray[np.bool_], seed: int = 0) -> Calibration | None:
    """Return the calibration of unit vectors [N, D] with labels [N]; None for too few classes of several pictures.

    is_query [N]: the pictures that may be left out and predicted: those that nothing was trained on. At most 2,000
    are, drawn by seed; half of them fit, the other half measure.
    """
    queries = _drawn(labels, is_query, seed)
    if len(queries) < LEAST_QUERIES:
        return None
    neighbours, similarities, of_class, of_others = _left_out(vectors, labels, queries)
    fitting = np.arange(len(queries)) % 2 == 0  # they stand in random order
    models, error, accuracy = {}, 0.0, 0.0
    for count in (count for count in VOTERS if count <= neighbours.shape[1]):
        votes = [
            vote(labels[row].tolist(), scores.tolist())
            for row, scores in zip(neighbours[:, :count], similarities[:, :count], strict=True)
        ]
        right = np.array([found.shares[0][0] for found in votes]) == labels[queries]
        models[count] = _fitted([votes[at].features for at in np.flatnonzero(fitting)], right[fitting])
        confidences = np.array([models[count].confidence(votes[at]) for at in np.flatnonzero(~fitting)])
        error, accuracy = calibration_error(confidences, right[~fitting]), float(right[~fitting].mean())
    unknown_below = float(np.quantile(of_class, FAR_SHARE))
    rejected = float((of_others < unknown_below).mean())
    return Calibration(models, unknown_below, error, accuracy, int((~fitting).sum()), rejected)


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


def _drawn(labels: Ints, is_query: NDArray[np.bool_], seed: int) -> Ints:
    """Return rows of queries, of classes that have another picture, in random order."""
    _, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    able = counts[places] > 1
    rows = np.flatnonzero(able & is_query)
    if len(rows) < LEAST_QUERIES:
        rows = np.flatnonzero(able)
    most = min(MOST_QUERIES, max(200, COMPARISONS // len(labels)))
    chosen: Ints = np.random.default_rng(seed).permutation(rows)[:most]
    return chosen


def _left_out(vectors: NDArray[Any], labels: Ints, queries: Ints) -> tuple[Ints, Floats, Floats, Floats]:
    """Return the nearest rows and similarities [Q, voters], the highest similarity [Q] to the own class and to others.

    The query itself is left out by its row.
    """
    count = min(VOTERS[-1], len(vectors) - 1)
    parts = []
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        rows = queries[start : start + _QUERIES_AT_ONCE]
        scores, best = nearest_others(vectors, rows, count)
        same = labels[rows][:, None] == labels
        parts.append(
            (
                best,
                np.take_along_axis(scores, best, axis=1),
                np.where(same, scores, -np.inf).max(axis=1),
                np.where(same, -np.inf, scores).max(axis=1),
            )
        )
    neighbours, similarities, of_class, of_others = (np.concatenate(column) for column in zip(*parts, strict=True))
    return neighbours, similarities, of_class, of_others


def _fitted(features: Sequence[tuple[float, ...]], right: NDArray[np.bool_]) -> ConfidenceModel:
    """Return the model of votes with these features; where all were right, or none, of how often alone."""
    values = np.array(features)
    least, most = tuple(values.min(axis=0).tolist()), tuple(values.max(axis=0).tolist())
    if right.all() or not right.any():
        odds = (int(right.sum()) + 1) / (int((~right).sum()) + 1)  # Laplace: nothing is certain
        return ConfidenceModel(math.log(odds), (0.0,) * len(least), least, most)
    from sklearn.linear_model import LogisticRegression

    middle, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    model = LogisticRegression().fit((values - middle) / spread, right)
    slopes = model.coef_[0] / spread
    return ConfidenceModel(float(model.intercept_[0] - slopes @ middle), tuple(slopes.tolist()), least, most)
