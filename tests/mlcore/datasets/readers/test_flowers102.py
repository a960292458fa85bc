"""Oxford Flowers-102: labels from a MATLAB file, halves by class."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from mlcore.datasets import open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.flowers102 import OFFICIAL, read_flowers102
from mlcore.datasets.source import OfficialTotal
from mlcore.errors import DatasetError

TINY = OfficialTotal(classes=3, images=6)
NUMBERS = (3, 3, 1, 1, 2, 2)


def labels(numbers: Sequence[int]) -> bytes:
    """imagelabels.mat as the authors shipped it: one row of small numbers."""
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"labels": np.array([numbers], dtype=np.uint8)})
    return buffer.getvalue()


def layout(numbers: Sequence[int] = NUMBERS) -> dict[str, bytes | None]:
    pictures: dict[str, bytes | None] = {f"jpg/image_{n + 1:05d}.jpg": None for n in range(len(numbers))}
    return pictures | {"imagelabels.mat": labels(numbers)}


def test_the_larger_first_half_of_the_classes_trains(write_files: Callable[..., Path]) -> None:
    with open_tree(write_files(layout())) as tree:
        source = read_flowers102(tree, "", expected=TINY)
        assert source.items[0].read().startswith(b"\xff\xd8")
    assert source.classes == ("flower 1", "flower 2", "flower 3")
    assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2]
    assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 2
    assert source.items[0].path == "jpg/image_00003.jpg"


def test_labels_with_another_hash_are_remarked_on(write_files: Callable[..., Path]) -> None:
    with open_tree(write_files(layout())) as tree:
        (remark,) = read_flowers102(tree, "", expected=TINY).remarks
    assert remark.startswith("not the published imagelabels.mat: the MD5 is ")


@pytest.mark.parametrize("top", ["", "flowers/"])
def test_incomplete_set_is_recognised_and_refused_with_both_counts(top: str, write_files: Callable[..., Path]) -> None:
    files = {f"{top}{path}": data for path, data in layout().items()}
    with (
        pytest.raises(DatasetError, match=r"Flowers-102 is not complete: expected 8,189 .*102 classes; found 6 "),
        open_source(write_files(files)),
    ):
        pytest.fail("accepted")


def test_missing_picture_is_missed(write_files: Callable[..., Path]) -> None:
    files = layout()
    del files["jpg/image_00004.jpg"]
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="expected 6 .*found 5 "):
        read_flowers102(tree, "", expected=TINY)


@pytest.mark.parametrize("data", [b"", b"not a matlab file" * 50, labels(NUMBERS)[:150]])
def test_damaged_labels_are_refused(data: bytes, write_files: Callable[..., Path]) -> None:
    files = layout() | {"imagelabels.mat": data}
    with (
        open_tree(write_files(files)) as tree,
        pytest.raises(DatasetError, match="cannot be read as labels"),
    ):
        read_flowers102(tree, "", expected=TINY)


def test_class_numbers_with_a_gap_are_refused(write_files: Callable[..., Path]) -> None:
    with (
        open_tree(write_files(layout((1, 1, 2, 2, 9, 9)))) as tree,
        pytest.raises(DatasetError, match="number its classes 1 to 3 without a gap"),
    ):
        read_flowers102(tree, "", expected=TINY)


def test_official_counts_and_halves() -> None:
    assert (OFFICIAL.images, OFFICIAL.classes) == (8_189, 102)
    assert [OFFICIAL.split_of(number) for number in (1, 51, 52, 102)] == ["train", "train", "test", "test"]
