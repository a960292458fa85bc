"""Filters by class and split agree with a look at every picture."""

import numpy as np
import pytest

from mlcore.datasets.source import SPLITS
from mlcore.errors import VectorIndexError
from mlcore.index.codes import Codes, Subset

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(20, size=500)
NAMES = [SPLITS[place] for place in RANDOM.integers(4, size=500)]
CODES = Codes.of(LABELS, NAMES)


@pytest.mark.parametrize("seed", range(30))
def test_any_filter_keeps_what_it_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.choice(30, random.integers(0, 6), replace=False).tolist() if seed % 3 else None  # some have none
    splits = random.choice(SPLITS, random.integers(0, 4), replace=False).tolist() if seed % 4 else None
    wanted = [
        row
        for row in range(500)
        if (labels is None or LABELS[row] in labels) and (splits is None or NAMES[row] in splits)
    ]
    found = CODES.subset(labels, splits)
    assert found.rows.tolist() == wanted and found.total == 500
    assert np.flatnonzero(found.mask).tolist() == wanted
    some = np.sort(random.choice(500, 7, replace=False))
    assert found.count_of(some) == len(set(some.tolist()) & set(wanted))
    assert sum(found.count_of(some[place : place + 1]) for place in range(7)) == found.count_of(some)
    also = np.sort(random.choice(500, 3, replace=False))
    assert found.corrected(some, also).rows.tolist() == sorted(set(wanted) - set(some.tolist()) | set(also.tolist()))


def test_pictures_that_are_not_known_are_in_no_class() -> None:
    codes = Codes(np.array([-1, 0, 1], np.int32), np.array([-1, 0, 1], np.int8))
    assert codes.subset(labels=[0, -1]).rows.tolist() == [1]
    assert codes.subset(splits=SPLITS).rows.tolist() == [1, 2]
    assert Codes.of([], []).subset(labels=[0]).rows.tolist() == []


def test_codes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(VectorIndexError, match="there is no split 'trian'; known: train"):
        Codes.of([1], ["trian"])
    with pytest.raises(VectorIndexError, match="do not match"):
        Codes.of([1, 2], ["train"])


def test_a_mask_is_made_once() -> None:
    subset = Subset(np.array([1, 3]), 5)
    assert subset.mask is subset.mask and subset.mask.tolist() == [False, True, False, True, False]
