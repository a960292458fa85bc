"""Names of folders of a split, and when such names are classes after all."""

import pytest

from mlcore.datasets.split_folders import Half, are_flat_halves, below_half, find_halves, half_of, is_plain


@pytest.mark.parametrize(
    ("half", "names"),
    [
        (Half.TRAIN, "train Train TRAINING train_set training_set trainset TrainSet train-images seg_train Train(1)"),
        (Half.VALIDATION, "val valid Validation dev val_set valid_data"),
        (Half.TEST, "test Testing test_set testset eval evaluation hold_out held_out held-out holdout gallery query"),
        (None, "trainer contest a valley deviation attest 7 trains train_val_images Ärzte"),
    ],
)
def test_usual_names_of_halves_are_known_in_any_case(half: Half | None, names: str) -> None:
    assert {name: half_of(name) for name in names.split()} == dict.fromkeys(names.split(), half)


def test_name_of_a_half_alone_is_plain() -> None:
    assert all(map(is_plain, ["train", "Training", "test_set", "val-images", "train_1"]))
    assert not any(map(is_plain, ["seg_train", "test tube", "oak"]))


def folders(*paths: str) -> list[tuple[str, ...]]:
    return [tuple(path.split("/")) for path in paths]


@pytest.mark.parametrize(
    ("paths", "halves"),
    [
        (["train/a", "test/a"], {"train", "test"}),
        (["Training/a", "Test/a", "test-multiple_fruits"], {"Training", "Test", "test-multiple_fruits"}),
        (["train/a", "train/b", "train/c", "test", "samples"], {"train", "test"}),
        (
            ["seg_train/seg_train/a", "seg_train/seg_train/b", "seg_test/seg_test/a", "seg_pred/seg_pred"],
            {"seg_train", "seg_test"},
        ),
        (["train/a", "test/b", "extra/c"], {"train", "test"}),
        (["train/steam", "test", "bus", "car"], set()),
        (["train station/day", "bus station/day"], set()),
        (["train", "test", "bus"], set()),
        (["train/a", "train/b"], set()),
        (["val/a", "valid/b"], {"val", "valid"}),
    ],
)
def test_halves_are_told_from_classes(paths: list[str], halves: set[str]) -> None:
    assert find_halves(folders(*paths)).keys() == halves


def test_folders_that_wrap_the_classes_of_a_half_are_passed_over() -> None:
    assert below_half(("train", "train", "a")) == ("a",)
    assert below_half(("seg_train", "seg_train", "a", "x")) == ("a", "x")
    assert below_half(("test", "images", "001")) == ("001",)
    assert below_half(("test", "images")) == below_half(("test", "test")) == ()
    assert below_half(("test", "data", "class 1", "x")) == ("class 1", "x")
    assert below_half(("train", "test pattern", "x")) == ("test pattern", "x")


@pytest.mark.parametrize(
    ("paths", "flat"),
    [
        (["train", "test", "val"], True),
        (["query", "bounding_box_train", "bounding_box_test"], True),
        (["train", "test", "samples"], True),
        (["train", "test", "bus", "car", "ship"], False),
        (["train", "oak", "fir"], False),
        (["train/a", "test"], False),
        (["test tube", "train station"], False),
    ],
)
def test_halves_without_class_folders_are_recognised(paths: list[str], flat: bool) -> None:
    assert are_flat_halves(folders(*paths)) is flat
