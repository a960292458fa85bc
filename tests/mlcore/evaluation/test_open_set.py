"""Unknown classes: AUROC against scikit-learn, thresholds against brute force, and truths that are known."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mlcore.evaluation.open_set import auroc, halves_of, nearest_similarities, open_set, threshold_of
from mlcore.evaluation.ranking import unit_rows


def drawn(spread: float, classes: int = 30, each: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    return random.normal(size=(classes, 16))[labels] + spread * random.normal(size=(len(labels), 16)), labels


@pytest.mark.parametrize("decimals", [1, 6])
def test_auroc_is_that_of_scikit_learn_with_ties_and_without(decimals: int) -> None:
    random = np.random.default_rng(decimals)
    known, unknown = random.normal(0.4, 1, 300).round(decimals), random.normal(0, 1, 200).round(decimals)
    truth = np.repeat([1, 0], [300, 200])
    assert auroc(known, unknown) == pytest.approx(roc_auc_score(truth, np.concatenate([known, unknown])), abs=1e-12)


@pytest.mark.parametrize("count", [1, 19, 20, 21, 100])
def test_the_threshold_is_the_highest_that_95_percent_reach(count: int) -> None:
    known = np.random.default_rng(count).permutation(count).astype(float)
    threshold = threshold_of(known)
    assert (known >= threshold).mean() >= 0.95
    assert (known >= threshold + 0.5).mean() < 0.95


def test_the_nearest_is_never_the_query_itself() -> None:
    rows, labels = drawn(1.0, classes=6)
    unit, gallery = unit_rows(rows), np.flatnonzero(labels < 3)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    assert np.allclose(nearest_similarities(unit, np.arange(60), gallery), cosines[:, gallery].max(axis=1))


def test_everything_equals_a_brute_force() -> None:
    rows, labels = drawn(1.0)
    found = open_set(rows, labels, asked=np.arange(300))
    cosines = unit_rows(rows) @ unit_rows(rows).T
    np.fill_diagonal(cosines, -np.inf)
    nearest, known = [], []
    for half in halves_of(labels):
        is_known = np.isin(labels, half)
        nearest.append(cosines[:, is_known].max(axis=1))
        known.append(is_known)
    areas = [roc_auc_score(is_known, values) for is_known, values in zip(known, nearest, strict=True)]
    twentieth = len(labels) // 2 // 20
    limits = [np.sort(values[is_known])[twentieth] for is_known, values in zip(known, nearest, strict=True)]
    assert found is not None and found.auroc == pytest.approx(np.mean(areas), abs=1e-6)
    fprs = [(values[~is_known] >= limit).mean() for is_known, values, limit in zip(known, nearest, limits, strict=True)]
    assert found.fpr_at_95_tpr == pytest.approx(np.mean(fprs), abs=0.004)
    swapped = list(zip(known, nearest, limits[::-1], strict=True))
    wrongly = [(values[is_known] < limit).mean() for is_known, values, limit in swapped]
    rightly = [(values[~is_known] < limit).mean() for is_known, values, limit in swapped]
    assert found.false_rejection == pytest.approx(np.mean(wrongly), abs=0.004)
    assert found.correct_rejection == pytest.approx(np.mean(rightly), abs=0.004)


def test_classes_far_apart_are_told_and_labels_without_meaning_are_not() -> None:
    rows, labels = drawn(0.05)
    apart = open_set(rows, labels, asked=np.arange(300))
    assert apart is not None and apart.auroc > 0.99 and apart.fpr_at_95_tpr < 0.05 and apart.correct_rejection > 0.9
    areas = []
    for seed in range(20):
        shuffled = np.random.default_rng(seed).permutation(labels)
        found = open_set(rows, shuffled, asked=np.arange(300))
        assert found is not None
        areas.append(found.auroc)
        assert 0 <= found.false_rejection <= 0.15
    assert abs(np.mean(areas) - 0.5) < 0.02


def test_queries_of_a_gallery_are_known_by_the_gallery_alone() -> None:
    rows, labels = drawn(0.05, classes=8)
    is_query = np.arange(80) % 5 == 0
    found = open_set(rows, labels, asked=np.flatnonzero(is_query), is_query=is_query)
    assert found is not None and found.auroc > 0.99
    # Class 0 has no picture in the gallery: its queries are known to nobody, and count in no share.
    lonely = is_query | (labels == halves_of(labels)[0][0])
    again = open_set(rows, labels, asked=np.flatnonzero(is_query), is_query=lonely)
    assert again is not None and again.auroc > 0.99


def test_too_few_classes_have_no_answer() -> None:
    rows, _ = drawn(1.0, classes=4)
    assert open_set(rows, np.zeros(40, dtype=np.int64), asked=np.arange(40)) is None
    assert open_set(rows, np.arange(40), asked=np.arange(40)) is None


def test_the_halves_are_the_same_for_every_run_and_hold_every_class_once() -> None:
    first, second = halves_of(np.array([5, 3, 3, 9, 1, 7]))
    assert sorted([*first, *second]) == [1, 3, 5, 7, 9] and (len(first), len(second)) == (2, 3)
    assert np.array_equal(halves_of(np.array([9, 7, 5, 3, 1]))[0], first)
