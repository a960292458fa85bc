"""Cars-196 as it is still offered: folders of photographs with a development kit."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from mlcore.datasets import open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.cars_devkit import find_devkit, read_cars_devkit
from mlcore.datasets.source import OfficialSplit
from mlcore.errors import DatasetError

Write = Callable[..., Path]
TINY = OfficialSplit(classes=4, train_classes=2, train_images=4, test_images=4)
NAMES = ("AM General Hummer SUV 2000", "Acura RL Sedan 2012", "Ram C/V Cargo Van Minivan 2012", "smart fortwo 2012")


def annotations(classes: list[int], *, labelled: bool = True) -> bytes:
    """Annotations as the authors ship them: those of the test photographs have no class."""
    fields = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", *(["class"] if labelled else []), "fname"]
    rows = np.empty((1, len(classes)), dtype=[(field, object) for field in fields])
    for number, class_id in enumerate(classes):
        rows[0, number] = (1, 2, 30, 40, *([class_id] if labelled else []), f"{number + 1:05d}.jpg")
    return saved({"annotations": rows})


def saved(variables: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, variables)
    return buffer.getvalue()


def names(*classes: str) -> bytes:
    array = np.empty((1, len(classes)), dtype=object)
    array[0, :] = classes
    return saved({"class_names": array})


def photographs(half: str, count: int) -> dict[str, bytes | None]:
    return {f"{half}/{number + 1:05d}.jpg": None for number in range(count)}


def layout(train: list[int], test: list[int]) -> dict[str, bytes | None]:
    return {
        **photographs("cars_train", len(train)),
        **photographs("cars_test", len(test)),
        "devkit/cars_train_annos.mat": annotations(train),
        "devkit/cars_test_annos.mat": annotations(test, labelled=False),
        "devkit/cars_test_annos_withlabels.mat": annotations(test),
        "devkit/cars_meta.mat": names(*NAMES),
    }


def test_the_whole_set_is_split_by_class_whatever_its_folders_say(write_files: Write) -> None:
    with open_tree(write_files(layout([1, 2, 3, 4], [1, 2, 3, 4]))) as tree:
        source = read_cars_devkit(tree, "devkit/", expected=TINY)
    assert source.classes == NAMES and source.name == "Cars-196" and source.remarks == ()
    assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 4
    assert [item.path for item in source.items[:2]] == ["cars_test/00001.jpg", "cars_train/00001.jpg"]


def test_a_smaller_set_is_taken_by_its_labels_with_a_remark(write_files: Write) -> None:
    with open_source(write_files(layout([1, 2, 3], [2, 3]))) as source:
        assert (source.reader, source.name, source.classes) == ("cars_devkit", "set", NAMES[:3])
        assert [item.split for item in source.items] == ["train"] * 3 + ["test"] * 2
        assert any("16,185" in remark for remark in source.remarks)


def test_test_photographs_without_labels_are_left_out_with_a_remark(write_files: Write) -> None:
    files = layout([1, 2, 3], [2, 3])
    del files["devkit/cars_test_annos_withlabels.mat"]
    with open_source(write_files(files)) as source:
        assert [item.path for item in source.items] == [f"cars_train/0000{n}.jpg" for n in (1, 2, 3)]
        assert "withlabels" in source.remarks[0] and source.remarks[0].startswith("2 ")


def test_folders_that_an_archive_adds_are_stepped_over(write_files: Write) -> None:
    files = {
        f"cars/{path.replace('cars_train/', 'cars_train/cars_train/').replace('devkit/', 'car_devkit/devkit/')}": data
        for path, data in layout([1, 2, 3, 4], [1, 2, 3, 4]).items()
    }
    with_labels = files.pop("cars/car_devkit/devkit/cars_test_annos_withlabels.mat")
    files["cars/car_devkit/cars_test_annos_withlabels.mat"] = with_labels
    with open_tree(write_files(files)) as tree:
        kit = find_devkit(tree)
        assert kit == "cars/car_devkit/devkit/"
        assert len(read_cars_devkit(tree, kit, expected=TINY).items) == 8


def test_annotations_of_the_other_layout_do_not_hide_the_kit(write_files: Write) -> None:
    with open_source(write_files(layout([1, 2, 3], [2, 3]) | {"cars_annos.mat": b""})) as source:
        assert source.reader == "cars_devkit"


def test_a_photograph_that_is_not_there_is_named(write_files: Write) -> None:
    files = layout([1, 2, 3, 3], [1])
    del files["cars_train/00004.jpg"]
    with open_source(write_files(files)) as source:
        assert source.broken == (("cars_train/00004.jpg", "is listed and not there"),)
    with open_tree(write_files(files | layout([1, 2, 3, 4], [1, 2, 3, 4]), "more")) as tree:
        tree.sizes.pop("cars_train/00002.jpg")
        with pytest.raises(DatasetError, match="expected 8 .*found 7 "):
            read_cars_devkit(tree, "devkit/", expected=TINY)


def test_one_photograph_alone_is_still_a_list(write_files: Write) -> None:
    with open_tree(write_files(layout([1], [2]))) as tree, pytest.raises(DatasetError, match="2 classes"):
        read_cars_devkit(tree, "devkit/")


def test_a_class_without_a_name_is_refused(write_files: Write) -> None:
    with open_tree(write_files(layout([1, 5], [1]))) as tree, pytest.raises(DatasetError, match="00002.jpg class 5"):
        read_cars_devkit(tree, "devkit/")


@pytest.mark.parametrize("file", ["cars_train_annos.mat", "cars_meta.mat"])
def test_damaged_files_are_named(file: str, write_files: Write) -> None:
    files = layout([1, 2], [3]) | {f"devkit/{file}": b"not a matlab file" * 50}
    with pytest.raises(DatasetError, match=file), open_source(write_files(files)):
        pytest.fail("accepted")
