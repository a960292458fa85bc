"""Labels in files become the classes, the split and the remarks that people mean by them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlcore.datasets import import_pictures, open_source
from mlcore.datasets.source import TRAIN
from mlcore.errors import DatasetError
from tests.cases import label_files

Layout = Callable[[Path], Path]
MAKES = [f"Make Model {number}" for number in range(6)]


@dataclass(frozen=True)
class Right:
    """What an import gives. train: classes that train. remark: part of one, "" where there need not be any."""

    reader: str
    classes: Iterable[str]
    images: int
    train: int
    left_out: int = 0
    remark: str = ""


RIGHT: dict[Layout, Right] = {
    label_files.csv_labels: Right("label_files", "abcd", 12, 2),
    label_files.spreadsheet_of_ids: Right("label_files", "abcd", 12, 2),
    label_files.paths_of_another_machine: Right("label_files", "abcd", 12, 2),
    label_files.halves_in_two_tables: Right("label_files", "abcd", 12, 2),
    label_files.labels_for_missing_files: Right("label_files", "abcd", 12, 2, 4, "4 left out"),
    label_files.files_without_labels: Right("label_files", "abcd", 12, 2, 4, "4 left out"),
    label_files.two_labels_for_one_picture: Right("label_files", "abcd", 10, 2, 2, "2 left out"),
    label_files.prices_beside_class_folders: Right("folder", "abcd", 12, 2, 1),
    label_files.cars_devkit: Right("cars_devkit", MAKES, 24, 3, 0, "16,185"),
    label_files.cars_of_a_mirror: Right("cars_devkit", MAKES, 24, 3, 0, "16,185"),
    label_files.cars_without_test_labels: Right("cars_devkit", MAKES, 12, 3, 0, "12 pictures of cars_test"),
    label_files.cars_train_alone: Right("cars_devkit", MAKES, 12, 3, 0, "16,185"),
}


@pytest.mark.parametrize(("layout", "right"), RIGHT.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_labels_are_read_as_people_mean_them(layout: Layout, right: Right, tmp_path: Path) -> None:
    with open_source(layout(tmp_path / "in")) as source:
        report = import_pictures(source, tmp_path / "out")
    assert source.reader == right.reader and set(source.classes) == set(right.classes)
    assert (report.images, report.train_classes, len(report.skipped)) == (right.images, right.train, right.left_out)
    assert any(right.remark in remark for remark in source.remarks) or not right.remark, source.remarks


def test_the_split_of_two_tables_is_kept(tmp_path: Path) -> None:
    with open_source(label_files.halves_in_two_tables(tmp_path)) as source:
        assert {source.classes[item.label] for item in source.items if item.split == TRAIN} == {"a", "b"}
        assert all(item.path.startswith("train/") == (item.split == TRAIN) for item in source.items)


def test_a_wrong_encoding_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="UTF-8"), open_source(label_files.latin_1(tmp_path)):
        pass
