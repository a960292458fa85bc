"""Votes by hand, and confidences where the probability is known."""

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.errors import CheckpointError
from mlcore.inference.knn_classifier import (
    FORMAT,
    RENAMED,
    TEMPERATURE,
    Calibration,
    calibrate,
    calibration_error,
    vote,
)

Floats = NDArray[np.float64]
CENTRES = np.linalg.qr(np.random.default_rng(5).normal(size=(32, 32)))[0]


def unit(rows: Floats) -> Floats:
    found: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def clouds(count: int, spread: float, seed: int, centres: int = 20) -> tuple[Floats, NDArray[np.int64]]:
    """Return `count` points of each of some classes around their centres."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(centres), count)
    return unit(CENTRES[labels] + spread * random.normal(size=(len(labels), 32))), labels


def everybody(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.ones(len(labels), np.bool_)


def predicted(
    calibration: Calibration, space: Floats, labels: NDArray[np.int64], query: Floats
) -> tuple[int, float, bool]:
    scores = space @ query
    order = np.argsort(-scores)[:10]
    found = calibration.predict(labels[order].tolist(), scores[order].tolist())
    return found.label, found.confidence, found.unknown


def test_a_vote_weighs_by_similarity() -> None:
    found = vote([4, 7, 7], [0.9, 0.8, 0.7])
    weights = [math.exp((cosine - 0.9) / TEMPERATURE) for cosine in (0.9, 0.8, 0.7)]
    assert found.shares[0] == (4, pytest.approx(weights[0] / sum(weights)))
    assert found.shares[1] == (7, pytest.approx((weights[1] + weights[2]) / sum(weights)))
    assert found.similarity == 0.9
    assert vote([1, 2], [0.5, 0.5]).shares[0][0] == 1  # a tie: the one that came first


def test_confidence_is_how_often_the_vote_is_right() -> None:
    space, labels = clouds(40, 0.32, seed=0)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None and 0.4 < calibration.accuracy < 0.95 and calibration.error < 0.07
    queries, truth = clouds(60, 0.32, seed=1)
    told = [predicted(calibration, space, labels, query) for query in queries]
    sure, right = np.array([found[1] for found in told]), np.array([found[0] for found in told]) == truth
    assert calibration_error(sure, right) < 0.05
    assert sure[right].mean() > sure[~right].mean() + 0.1


def test_a_coin_is_known_to_be_a_coin() -> None:
    """Each cloud holds two classes, seven of ten pictures the one: however clear the place, it is right in 70 %."""
    random = np.random.default_rng(3)
    space, cloud = clouds(100, 0.05, seed=2)
    labels = cloud * 2 + (random.random(len(cloud)) > 0.7)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None
    found = [predicted(calibration, space, labels, query)[1] for query in clouds(20, 0.05, seed=4)[0]]
    assert abs(np.mean(found) - calibration.accuracy) < 0.05
    assert 0.5 < calibration.accuracy < 0.72 and calibration.error < 0.08


def test_a_picture_far_from_all_others_is_unknown() -> None:
    space, labels = clouds(30, 0.1, seed=0)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None
    assert predicted(calibration, space, labels, CENTRES[25])[2]  # of no class
    unknown = [predicted(calibration, space, labels, query)[2] for query in clouds(30, 0.1, seed=1)[0]]
    assert 0 <= np.mean(unknown) < 0.1
    assert calibration.unknown_rejection_rate > 0.99  # classes lie apart: any that were taken out would be missed


def test_the_threshold_is_what_19_of_20_pictures_reach_within_their_class() -> None:
    space, labels = clouds(10, 0.2, seed=0, centres=5)
    calibration = calibrate(space, labels, everybody(labels))
    scores = space @ space.T
    np.fill_diagonal(scores, -1)
    nearest = [max(scores[row][labels == labels[row]]) for row in range(len(labels))]
    assert calibration is not None and calibration.unknown_below == pytest.approx(np.quantile(nearest, 0.05))


def test_fewer_answers_are_voted_on_by_fewer() -> None:
    space, labels = clouds(20, 0.3, seed=0)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None and sorted(calibration.models) == [1, 3, 5, 10]
    assert [calibration.predict([1] * count, [0.9] * count).voters for count in (1, 2, 4, 9, 30)] == [1, 1, 3, 5, 10]


def test_only_those_that_may_ask_are_asked() -> None:
    space, labels = clouds(20, 0.3, seed=0)
    half = labels < 10
    shuffled = labels.copy()
    shuffled[~half] = np.random.default_rng(0).permutation(labels[~half])  # never asked: no harm to accuracy of others
    asked = calibrate(space, shuffled, half)
    everyone = calibrate(space, shuffled, everybody(labels))
    assert asked is not None and everyone is not None
    assert asked.queries == 100 and asked.accuracy > everyone.accuracy + 0.1


def test_a_space_without_mistakes_is_not_certain() -> None:
    space, labels = clouds(10, 0.01, seed=0)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None and calibration.accuracy == 1
    assert 0.98 < calibration.predict([3], [0.999]).confidence < 1


def test_nothing_is_told_beyond_what_was_seen() -> None:
    space, labels = clouds(40, 0.32, seed=0)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None
    model = calibration.models[1]
    lowest = calibration.predict([0], [model.least[1]]).confidence
    assert calibration.predict([0], [model.least[1] - 1]).confidence == lowest
    assert calibration.predict([0], [model.most[1]]).confidence > lowest


def test_too_few_pictures_of_classes_of_several_give_no_calibration() -> None:
    space, _ = clouds(10, 0.1, seed=0)
    singletons = np.arange(len(space))
    assert calibrate(space, singletons, everybody(singletons)) is None


def test_it_is_the_same_twice_and_travels_as_json() -> None:
    space, labels = clouds(20, 0.3, seed=0)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None and calibration == calibrate(space, labels, everybody(labels))
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_a_calibration_of_format_1_is_read() -> None:
    space, labels = clouds(20, 0.3, seed=0)
    calibration = calibrate(space, labels, everybody(labels))
    assert calibration is not None
    names = {new: old for old, new in RENAMED.items()}
    stored = json.loads(json.dumps(calibration.to_json()))
    before = {names.get(name, name): value for name, value in stored.items()} | {"format": 1}
    assert {"weights", "near", "strangers"} < before.keys() and Calibration.from_json(before) == calibration
    with pytest.raises(CheckpointError, match="format 3"):
        Calibration.from_json({**stored, "format": FORMAT + 1})


def test_the_error_equals_the_plain_formula() -> None:
    sure, right = np.array([0.95, 0.97, 0.55, 1.0]), np.array([True, False, True, True])
    assert calibration_error(sure, right) == pytest.approx(0.75 * abs((0.95 + 0.97 + 1) / 3 - 2 / 3) + 0.25 * 0.45)
