"""Cars-196."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from mlcore.datasets import open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.cars196 import OFFICIAL, read_cars196
from mlcore.datasets.source import OfficialSplit
from mlcore.errors import DatasetError

TINY = OfficialSplit(classes=4, train_classes=2, train_images=4, test_images=4)
NAMES = ("AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Ram C/V Cargo Van Minivan 2012", "smart fortwo 2012")


def annotations(classes: list[int]) -> bytes:
    """cars_annos.mat as the authors shipped it: a struct array and a cell array of names."""
    fields = ["relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test"]
    rows = np.empty((1, len(classes)), dtype=[(field, object) for field in fields])
    for number, class_id in enumerate(classes):
        rows[0, number] = (f"car_ims/{number + 1:06d}.jpg", 1, 2, 30, 40, class_id, number % 2)
    names = np.empty((1, len(NAMES)), dtype=object)
    names[0, :] = NAMES
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"annotations": rows, "class_names": names})
    return buffer.getvalue()


def layout(classes: list[int]) -> dict[str, bytes | None]:
    pictures: dict[str, bytes | None] = {f"car_ims/{n + 1:06d}.jpg": None for n in range(len(classes))}
    return pictures | {"cars_annos.mat": annotations(classes)}


def test_labels_start_at_zero_and_the_official_image_split_is_ignored(write_files: Callable[..., Path]) -> None:
    with open_tree(write_files(layout([4, 1, 1, 2, 2, 3, 3, 4]))) as tree:
        source = read_cars196(tree, "", expected=TINY)
        assert source.items[0].read().startswith(b"\xff\xd8")
    assert source.classes == NAMES
    assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 4
    assert source.items[6].path == "car_ims/000001.jpg"


def test_incomplete_set_is_recognised_and_refused_with_both_counts(write_files: Callable[..., Path]) -> None:
    with (
        pytest.raises(DatasetError, match=r"Cars-196 is not complete: expected 16,185 .*8,054.*8,131.*found 8 "),
        open_source(write_files(layout([1, 1, 2, 2, 3, 3, 4, 4]), "cars")),
    ):
        pytest.fail("accepted")


def test_missing_picture_is_missed(write_files: Callable[..., Path]) -> None:
    files = layout([1, 1, 2, 2, 3, 3, 4, 4])
    del files["car_ims/000003.jpg"]
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="expected 8 .*found 7 "):
        read_cars196(tree, "", expected=TINY)


def test_class_out_of_range_is_named(write_files: Callable[..., Path]) -> None:
    with (
        open_tree(write_files(layout([1, 5]))) as tree,
        pytest.raises(DatasetError, match="000002.jpg class 5 of 4"),
    ):
        read_cars196(tree, "", expected=TINY)


@pytest.mark.parametrize("data", [b"", b"not a matlab file" * 50, annotations([1, 2])[:300]])
def test_damaged_annotations_are_refused(data: bytes, write_files: Callable[..., Path]) -> None:
    files = layout([1, 2]) | {"cars_annos.mat": data}
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="cannot be read as Cars-196"):
        read_cars196(tree, "", expected=TINY)


def test_official_counts_are_those_of_the_papers() -> None:
    assert (OFFICIAL.images, OFFICIAL.train_images, OFFICIAL.test_images) == (16_185, 8_054, 8_131)
    assert (OFFICIAL.classes, OFFICIAL.train_classes) == (196, 98)
