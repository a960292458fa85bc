"""Labels that look wrong are found where they were flipped, and few others are named."""

from dataclasses import dataclass

import numpy as np
import pytest

from mlcore.inference import label_issues
from mlcore.inference.label_issues import MOST_ISSUES, LabelCheck, check_labels

ALL = 10**9


@dataclass(frozen=True)
class Flipped:
    """Simulated embeddings of classes around centres, some of whose labels were changed at random."""

    vectors: np.ndarray
    labels: np.ndarray
    true: np.ndarray

    @property
    def wrong(self) -> set[int]:
        return set(np.flatnonzero(self.labels != self.true).tolist())

    def check(self, comparisons: int = ALL) -> LabelCheck:
        return check_labels(self.vectors, self.labels, np.arange(len(self.labels)), comparisons=comparisons)


def simulated(classes: int, sizes: tuple[int, int], spread: float, share: float, seed: int = 0) -> Flipped:
    """Draw classes of sizes[0]..sizes[1] pictures in 64 dimensions and flip the labels of that share of them.

    spread: length of a picture's difference from its class's centre, which has length 1.
    """
    random = np.random.default_rng(seed)
    centres = random.normal(size=(classes, 64))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    true = np.repeat(np.arange(classes), random.integers(sizes[0], sizes[1] + 1, classes))
    rows = centres[true] + spread * random.normal(size=(len(true), 64)) / 8
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = true.copy()
    flipped = random.choice(len(true), round(share * len(true)), replace=False)
    labels[flipped] = (true[flipped] + random.integers(1, classes, len(flipped))) % classes
    return Flipped(rows.astype(np.float32), labels, true)


@pytest.mark.parametrize(
    ("data", "recall", "precision"),
    [
        (simulated(30, (40, 40), 1, 0.05), 0.97, 0.97),  # a strong model: it agrees with 95 % of the labels
        (simulated(30, (40, 40), 1.5, 0.2), 0.75, 0.95),  # every fifth label is wrong
        (simulated(30, (40, 40), 2, 0.05), 0.6, 0.75),  # a middling model: it agrees with 76 %
        (simulated(30, (3, 40), 1.5, 0.05), 0.75, 0.75),  # classes of very different sizes
        (simulated(100, (2, 12), 1, 0.03), 0.8, 0.75),  # small classes
    ],
    ids=["strong", "a fifth wrong", "middling", "uneven", "small classes"],
)
def test_most_flipped_labels_are_found_with_few_others(data: Flipped, recall: float, precision: float) -> None:
    check = data.check()
    named = {issue.id for issue in check.issues}
    found = named & data.wrong
    assert len(found) >= recall * len(data.wrong)
    assert len(found) >= precision * len(named)
    right = sum(issue.suggested == data.true[issue.id] for issue in check.issues if issue.id in found)
    assert right >= 0.9 * len(found)


def test_the_most_certain_come_first_and_carry_their_evidence() -> None:
    data = simulated(20, (30, 30), 1.5, 0.1)
    check = data.check()
    margins = [issue.confidence - issue.own for issue in check.issues]
    assert margins == sorted(margins, reverse=True)
    half = len(margins) // 2
    ranked = [issue.id in data.wrong for issue in check.issues]
    assert sum(ranked[:half]) >= sum(ranked[half : 2 * half])
    for issue in check.issues:
        assert issue.label == data.labels[issue.id] != issue.suggested
        assert issue.confidence >= 0.5 > 0.1 > issue.own
        assert 1 <= len(issue.neighbours) <= 3 and issue.id not in issue.neighbours
        assert {int(data.labels[row]) for row in issue.neighbours} == {issue.suggested}


def test_votes_are_those_of_a_slow_formula() -> None:
    data = simulated(5, (6, 6), 1.5, 0.2, seed=3)
    check = data.check()
    by_id = {issue.id: issue for issue in check.issues}
    agreeing = 0
    for row in range(len(data.labels)):
        cosines = {other: float(data.vectors[row] @ data.vectors[other]) for other in range(len(data.labels))}
        del cosines[row]
        near = sorted(cosines, key=lambda other: -cosines[other])[:10]
        weights = [np.exp(cosines[other] / 0.07) for other in near]
        shares = {label: 0.0 for label in range(5)}
        for other, weight in zip(near, weights, strict=True):
            shares[int(data.labels[other])] += weight / sum(weights)
        own = shares.pop(int(data.labels[row]))
        best = max(shares, key=lambda label: shares[label])
        agreeing += own > shares[best]
        assert (row in by_id) == (shares[best] >= 0.5 and own < 0.1)
        if row in by_id:
            assert by_id[row].suggested == best
            assert by_id[row].confidence == pytest.approx(shares[best], abs=1e-4)
            assert by_id[row].own == pytest.approx(own, abs=1e-4)
    assert check.agreement == pytest.approx(agreeing / len(data.labels))


def test_right_labels_of_a_strong_model_leave_nothing_to_look_at() -> None:
    check = simulated(30, (20, 20), 0.8, 0).check()
    assert (check.issues, check.found, check.agreement) == ((), 0, 1.0)


def test_too_many_comparisons_check_drawn_pictures_against_all() -> None:
    data = simulated(20, (20, 20), 1, 0.1)
    check = data.check(comparisons=100 * 400)
    assert (check.checked, check.pictures) == (100, 400)
    assert check == data.check(comparisons=100 * 400)
    assert {issue.id for issue in check.issues} <= {issue.id for issue in data.check().issues}
    assert data.check(comparisons=1).checked == 1


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = simulated(10, (12, 12), 1.5, 0.1)
    whole = data.check()
    monkeypatch.setattr(label_issues, "_SCORES_AT_ONCE", 1000)
    assert data.check() == whole


def test_the_list_is_bounded_and_counts_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_issues, "MOST_ISSUES", 5)
    check = simulated(20, (20, 20), 1, 0.1).check()
    assert len(check.issues) == 5 < check.found and MOST_ISSUES == 500


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_hardly_any_pictures_are_no_fault(count: int) -> None:
    vectors = np.eye(4, dtype=np.float32)[:count]
    check = check_labels(vectors, np.arange(count), np.arange(count), comparisons=ALL)
    assert check.pictures == count and len(check.issues) <= count


def test_a_check_is_stored_and_read() -> None:
    check = simulated(10, (12, 12), 1.5, 0.1).check()
    assert LabelCheck.from_json(check.to_json()) == check
    assert LabelCheck.from_json({**check.to_json(), "format": 0}) is None
