"""A data set divided as one run sees it: pictures that train, validate and are measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlcore.datasets import DatasetFolder, PixelCache
from mlcore.datasets.splits import k_folds, validation_classes
from mlcore.errors import DatasetError
from mlcore.runs import RunSpec

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class RunData:
    """A data set as one run sees it; no class that trains is measured or validates.

    labels: of train_rows, numbered 0..C-1 among the classes that train.
    measured_rows: of the test classes, or of the validation classes.
    """

    dataset: DatasetFolder
    cache: PixelCache
    train_rows: Rows
    labels: Rows
    measured_rows: Rows
    validation_rows: Rows

    @classmethod
    def of(cls, spec: RunSpec, dataset: DatasetFolder, cache: PixelCache) -> "RunData":
        """Split `dataset` as the run says.

        Raises:
            DatasetError: nothing is left to measure on, no class there has two pictures, or validation
                leaves too few classes to train on.
        """
        held_out = _validation_rows(spec, dataset)
        training = training_rows(spec, dataset)
        measured = held_out if spec.measured_on == "validation" else dataset.held_out
        if not len(measured):
            raise DatasetError(
                f"there are no {spec.measured_on} pictures to measure on; "
                "set validation_classes or folds in the protocol, or import the set with a test split"
            )
        watched = {spec.measured_on: measured}
        if spec.protocol.selection == "validation":
            watched["validation"] = held_out
        for name, rows in watched.items():
            _require_positives(dataset, rows, name)
        labels = np.unique(dataset.labels[training], return_inverse=True)[1].astype(np.int64)
        return cls(dataset, cache, training, labels, measured, held_out)


def training_rows(spec: RunSpec, dataset: DatasetFolder) -> Rows:
    """Return the rows of a data set that a run learns from."""
    return np.setdiff1d(dataset.rows("train"), _validation_rows(spec, dataset))


def _validation_rows(spec: RunSpec, dataset: DatasetFolder) -> Rows:
    protocol, training = spec.protocol, dataset.rows("train")
    labels = dataset.labels[training]
    held_out: tuple[int, ...] = ()
    if spec.fold is not None:
        held_out = k_folds(labels, protocol.folds, spec.seed)[spec.fold]
    elif protocol.validation_classes:
        held_out = validation_classes(labels, protocol.validation_classes)
    return training[np.isin(labels, held_out)]


def _require_positives(dataset: DatasetFolder, rows: Rows, name: str) -> None:
    """Refuse now what would fail after the training: pictures of which none has another of its class to find."""
    labels, is_query = dataset.labels[rows], dataset.is_query(rows)
    if is_query is None:
        has_some = np.unique(labels, return_counts=True)[1].max(initial=0) > 1
    else:
        has_some = np.isin(labels[is_query], labels[~is_query]).any()
    if not has_some:
        raise DatasetError(
            f"none of the {len(rows)} {name} pictures has another of its class, so there is nothing to find; "
            "hold out other classes, or fewer folds"
        )
