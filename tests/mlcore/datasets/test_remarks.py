"""Remarks on classes and splits, from counts alone."""

from dataclasses import dataclass

import pytest

from mlcore.datasets.remarks import remarks_on
from mlcore.datasets.source import GALLERY, QUERY, TEST, TRAIN
from mlcore.datasets.statistics import tally


@dataclass(frozen=True)
class Picture:
    label: int
    split: str


def remarks(train: list[int], test: list[int], split: str = TEST) -> tuple[str, ...]:
    """Return the remarks on classes with these numbers of pictures."""
    counts = [(count, TRAIN) for count in train] + [(count, split) for count in test]
    pictures = [Picture(label, of) for label, (count, of) in enumerate(counts) for _ in range(count)]
    return remarks_on([f"class {label}" for label in range(len(counts))], tally(pictures))


def test_balanced_set_of_many_pictures_needs_no_remark() -> None:
    assert remarks([60, 60], [60, 60]) == ()


@pytest.mark.parametrize("split", [TEST, QUERY, GALLERY])
def test_one_held_out_class_makes_every_figure_100_percent(split: str) -> None:
    (remark,) = remarks([60, 60], [120], split)
    assert "100 %" in remark and "class 2" in remark


def test_training_classes_with_one_picture_are_counted_and_the_first_are_named() -> None:
    (remark,) = remarks([1, 9, 1, 1, 1, 1], [60, 60])
    assert "5 of 6" in remark and "class 0, class 2, class 3 and 2 more" in remark and "SoftTriple" in remark


def test_training_classes_with_one_picture_each_have_no_pair() -> None:
    (remark,) = remarks([1, 1, 1], [60, 60])
    assert "no pair" in remark and "SoftTriple" in remark


def test_held_out_class_with_one_picture_has_no_query() -> None:
    (remark,) = remarks([60, 60], [60, 60, 1])
    assert "1 of 3" in remark and "class 4" in remark


@pytest.mark.parametrize(("largest", "ratio"), [(49, None), (50, "10 to 1"), (500, "100 to 1")])
def test_heavy_imbalance_is_remarked_on_with_its_ratio(largest: int, ratio: str | None) -> None:
    found = remarks([largest, 5], [60, 60])
    assert [ratio in remark for remark in found] == [True] if ratio else found == ()


@pytest.mark.parametrize(("held_out", "points"), [([50, 50], None), ([30, 20], "2.0 percentage"), ([2, 1], "33.3")])
def test_few_queries_are_remarked_on_with_the_weight_of_one(held_out: list[int], points: str | None) -> None:
    found = [remark for remark in remarks([60, 60], held_out) if "few pictures" in remark]
    assert len(found) == (points is not None)
    assert all(points is not None and points in remark for remark in found)
