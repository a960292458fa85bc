"""Splits into training, test, validation and folds: always between classes, never within one."""

import hashlib
from collections.abc import Iterable, Sequence

from mlcore.datasets.source import TEST, TRAIN, OfficialCounts, is_held_out
from mlcore.errors import DatasetError

MIN_TRAIN_CLASSES = 2  # a loss that compares classes needs two
MIN_TEST_CLASSES = 1


def class_disjoint(num_classes: int) -> tuple[str, ...]:
    """Return the split of each label: the first half trains (the larger one when odd), the rest tests.

    Raises:
        DatasetError: too few classes for two splits.
    """
    needed = MIN_TRAIN_CLASSES + MIN_TEST_CLASSES
    if num_classes < needed:
        count = "1 class" if num_classes == 1 else f"{num_classes} classes"
        raise DatasetError(
            f"the data set has {count}; it needs at least {needed}: "
            f"{MIN_TRAIN_CLASSES} to learn from and {MIN_TEST_CLASSES} to be measured on"
        )
    half = (num_classes + 1) // 2
    return (TRAIN,) * half + (TEST,) * (num_classes - half)


def check_splits(labelled: Iterable[tuple[int, str]]) -> None:
    """Check the splits that (label, split) pairs make.

    Raises:
        DatasetError: a class is in both splits, or a split has too few classes.
    """
    train: set[int] = set()
    test: set[int] = set()
    for label, split in labelled:
        (test if is_held_out(split) else train).add(label)
    if train & test:
        raise DatasetError(f"class {min(train & test)} is both trained on and held out; a class is one of them")
    if len(train) < MIN_TRAIN_CLASSES or len(test) < MIN_TEST_CLASSES:
        raise DatasetError(
            f"the data set has {len(train)} training and {len(test)} test classes with readable pictures; "
            f"it needs at least {MIN_TRAIN_CLASSES} and {MIN_TEST_CLASSES}"
        )


def check_official(labelled: Sequence[tuple[int, str]], expected: OfficialCounts, name: str) -> None:
    """Check that (label, split) pairs have a benchmark's counts.

    Raises:
        DatasetError: they differ; the message names expected and found.
    """
    found = type(expected).of(labelled)
    if found != expected:
        raise DatasetError(
            f"{name} is not complete: expected {expected}; found {found}. "
            "Fetch the original archive again, or import the pictures as plain class folders"
        )


def validation_classes(train_labels: Iterable[int], count: int) -> tuple[int, ...]:
    """Return the last `count` of the distinct training labels, ascending.

    Raises:
        DatasetError: count is below 1 or leaves fewer than 2 classes to train on.
    """
    classes = sorted({int(label) for label in train_labels})
    if not 1 <= count <= len(classes) - MIN_TRAIN_CLASSES:
        raise DatasetError(
            f"cannot hold {count} of {len(classes)} training classes out for validation: "
            f"hold out at least 1 and leave {MIN_TRAIN_CLASSES} to train on"
        )
    return tuple(classes[-count:])


def k_folds(train_classes: Iterable[int], folds: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """Return the validation classes of each fold: disjoint, together all, sizes at most 1 apart.

    The order of classes comes from a hash of seed and class, so the folds of a stored seed
    stay the same whatever the version of any random generator.

    Raises:
        DatasetError: folds is below 2, or a fold would be empty or leave fewer than 2 classes.
    """
    classes = sorted({int(label) for label in train_classes})
    largest = -(-len(classes) // folds) if folds >= 2 else len(classes)
    if folds < 2 or len(classes) < folds or len(classes) - largest < MIN_TRAIN_CLASSES:
        raise DatasetError(
            f"cannot make {folds} folds of {len(classes)} training classes: use at least 2, each with a class, "
            f"and {MIN_TRAIN_CLASSES} classes left to train on"
        )
    shuffled = sorted(classes, key=lambda label: hashlib.sha256(f"{seed}:{label}".encode()).digest())
    return tuple(tuple(sorted(shuffled[fold::folds])) for fold in range(folds))
