"""Splits lie between classes and never move."""

import pytest

from mlcore.datasets.source import OfficialSplit
from mlcore.datasets.splits import check_official, check_splits, class_disjoint, k_folds, validation_classes
from mlcore.errors import DatasetError


@pytest.mark.parametrize(("classes", "train"), [(3, 2), (4, 2), (5, 3), (200, 100)])
def test_first_half_trains_and_the_rest_tests(classes: int, train: int) -> None:
    assert class_disjoint(classes) == ("train",) * train + ("test",) * (classes - train)


@pytest.mark.parametrize(("classes", "words"), [(0, "0 classes"), (1, "1 class;"), (2, "2 classes")])
def test_too_few_classes_are_refused_in_a_sentence(classes: int, words: str) -> None:
    with pytest.raises(DatasetError, match=f"the data set has {words}.*at least 3"):
        class_disjoint(classes)


def test_class_in_both_halves_is_refused() -> None:
    with pytest.raises(DatasetError, match="class 1 is both trained on and held out"):
        check_splits([(0, "train"), (1, "train"), (1, "test")])


@pytest.mark.parametrize("labelled", [[], [(0, "train"), (1, "test")], [(0, "train"), (1, "train")]])
def test_half_without_enough_classes_is_refused(labelled: list[tuple[int, str]]) -> None:
    with pytest.raises(DatasetError, match="at least 2 and 1"):
        check_splits(labelled)


def test_smallest_possible_halves_pass() -> None:
    check_splits([(0, "train"), (1, "train"), (2, "test")])


def test_incomplete_benchmark_is_named_with_expected_and_found() -> None:
    expected = OfficialSplit(classes=3, train_classes=2, train_images=2, test_images=2)
    labelled = [(0, "train"), (1, "train"), (2, "test"), (2, "test")]
    check_official(labelled, expected, "Birds")
    with pytest.raises(DatasetError, match=r"Birds is not complete: expected 4 pictures of 3.*found 3 pictures of 2"):
        check_official([*labelled[:1], *labelled[2:]], expected, "Birds")


def test_validation_takes_the_last_training_classes() -> None:
    assert validation_classes([4, 0, 2, 2, 1, 3, 3], 2) == (3, 4)


@pytest.mark.parametrize("count", [-1, 0, 3, 5])
def test_validation_must_leave_two_classes_to_train(count: int) -> None:
    with pytest.raises(DatasetError, match=f"hold {count} of 4"):
        validation_classes([0, 1, 2, 3], count)


def test_folds_are_disjoint_complete_and_even() -> None:
    folds = k_folds(range(10), 4, seed=0)
    assert sorted(label for fold in folds for label in fold) == list(range(10))
    assert sorted(len(fold) for fold in folds) == [2, 2, 3, 3]


def test_folds_depend_on_the_seed_and_on_nothing_else() -> None:
    assert k_folds(range(20), 4, seed=1) == k_folds(reversed([*range(20), 3, 3]), 4, seed=1)
    assert k_folds(range(20), 4, seed=1) != k_folds(range(20), 4, seed=2)


def test_folds_of_a_stored_seed_stay_for_ever() -> None:
    assert k_folds(range(6), 2, seed=0) == ((2, 4, 5), (0, 1, 3))


@pytest.mark.parametrize(("classes", "folds"), [(10, 1), (10, 0), (3, 4), (3, 2), (2, 2)])
def test_impossible_folds_are_refused(classes: int, folds: int) -> None:
    with pytest.raises(DatasetError, match=f"{folds} folds of {classes}"):
        k_folds(range(classes), folds, seed=0)
