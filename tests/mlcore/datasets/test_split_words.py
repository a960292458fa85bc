"""Words that state a split."""

import pytest

from mlcore.datasets.split_words import VALIDATION, split_in_name


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training Set", "train"), ("trainLabels", "train"), ("labels_train_v2", "train"),
        ("VAL", VALIDATION), ("dev", VALIDATION), ("test1", "test"), ("bounding_box_test", "test"),
        ("query", "query"), ("gallery_images", "gallery"), ("probe", "query"),
        ("trainval", ""), ("train_test", ""), ("contest", ""), ("0", ""), ("", ""), ("labels", ""),
    ],
)  # fmt: skip
def test_a_name_states_one_split_or_none(name: str, split: str) -> None:
    assert split_in_name(name) == split
