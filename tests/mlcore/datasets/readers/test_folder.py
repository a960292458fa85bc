"""Class folders as people pack them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import Source, open_source
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.errors import DatasetError

Write = Callable[..., Path]


def read(where: Path) -> Source:
    with open_source(where) as source:
        return source


def placed(source: Source) -> dict[str, tuple[str, str]]:
    """{path: (class, split)}"""
    return {item.path: (source.classes[item.label], item.split) for item in source.items}


def test_folder_names_are_classes_and_the_first_half_trains(write_files: Write) -> None:
    source = read(write_files({f"{name}/1.jpg": None for name in ("kind 10", "kind 2", "kind 1", "Kind 3")}))
    assert source.classes == ("kind 1", "kind 2", "Kind 3", "kind 10")
    assert [item.split for item in source.items] == ["train", "train", "test", "test"]
    assert [item.label for item in source.items] == [0, 1, 2, 3]
    assert source.name == "set"
    assert source.broken == ()


@pytest.mark.parametrize("paths", [["a/1.jpg"], ["a/1.jpg", "b/x/2.jpg"], ["train/a/1.jpg", "test/b/2.jpg"]])
def test_classes_alone_need_neither_number_nor_halves(write_files: Write, paths: list[str]) -> None:
    with open_source(write_files({path: None for path in paths}), classes=True) as source:
        assert source.classes == ("a", "b")[: len(paths)] and not source.labelled
        assert {item.split for item in source.items} == {"gallery"}


def test_of_folders_in_folders_the_first_is_the_class_where_they_are_alone(write_files: Write) -> None:
    where = write_files({f"{path}/1.jpg": None for path in ("oak/autumn", "fir/winter", "elm/spring")})
    with open_source(where, classes=True) as source:
        assert source.classes == ("elm", "fir", "oak")
    assert read(where).classes == ("autumn", "spring", "winter")


def test_classes_alone_are_those_of_folders_whatever_else_lies_there(write_files: Write) -> None:
    where = write_files({"a/1.jpg": None, "images.txt": b"", "image_class_labels.txt": b""})
    with open_source(where, classes=True) as source:
        assert source.classes == ("a",) and len(source.broken) == 2
    flat = write_files({"1.jpg": None}, "flat")
    with pytest.raises(DatasetError, match="class folders"), open_source(flat, classes=True):
        pass


def test_order_is_class_then_path_whatever_the_disk_says(write_files: Write) -> None:
    source = read(write_files({path: None for path in ("b/10.jpg", "c/1.jpg", "b/9.jpg", "a/x/2.jpg", "a/1.jpg")}))
    assert [item.path for item in source.items] == ["a/1.jpg", "a/x/2.jpg", "b/9.jpg", "b/10.jpg", "c/1.jpg"]


def test_folders_above_the_classes_are_stepped_into(write_files: Write) -> None:
    source = read(write_files({f"birds/images/{name}/1.jpg": None for name in "abc"}))
    assert source.classes == ("a", "b", "c")


def test_pictures_deeper_in_a_class_belong_to_it(write_files: Write) -> None:
    source = read(write_files({"a/1.jpg": None, "a/young/2.jpg": None, "b/old/3.jpg": None, "c/4.jpg": None}))
    assert placed(source)["a/young/2.jpg"][0] == "a"
    assert placed(source)["b/old/3.jpg"][0] == "b"


@pytest.mark.parametrize("top", ["", "cars/"])
def test_train_and_test_folders_are_the_split_when_classes_are_disjoint(top: str, write_files: Write) -> None:
    files = {f"{top}{path}/1.jpg": None for path in ("Train/z", "Train/y", "Train/x", "test/a")}
    source = read(write_files(files))
    assert source.classes == ("a", "x", "y", "z")
    assert placed(source)[f"{top}test/a/1.jpg"] == ("a", "test")
    assert placed(source)[f"{top}Train/z/1.jpg"] == ("z", "train")


def test_train_and_test_with_the_same_classes_are_merged_and_split_by_class(write_files: Write) -> None:
    files = {f"{half}/{name}/{half}.jpg": None for half in ("train", "test") for name in "abcd"}
    source = read(write_files(files))
    assert source.classes == ("a", "b", "c", "d")
    assert placed(source)["test/a/test.jpg"] == ("a", "train")
    assert placed(source)["train/d/train.jpg"] == ("d", "test")


def test_val_without_test_is_the_measured_half_and_beside_it_is_trained_on(write_files: Write) -> None:
    without = read(write_files({f"{path}/1.jpg": None for path in ("val/a", "train/b", "train/c")}, "without"))
    assert placed(without)["val/a/1.jpg"] == ("a", "test")
    beside = read(write_files({f"{path}/1.jpg": None for path in ("train/a", "val/b", "test/c")}, "beside"))
    assert placed(beside)["val/b/1.jpg"] == ("b", "train")
    assert placed(beside)["test/c/1.jpg"] == ("c", "test")


def test_class_named_test_beside_other_classes_is_a_class(write_files: Write) -> None:
    assert read(write_files({f"{name}/1.jpg": None for name in ("test", "oak", "fir")})).classes == (
        "fir",
        "oak",
        "test",
    )


def test_what_is_left_out_is_said(write_files: Write) -> None:
    files = {"a/1.jpg": None, "b/1.jpg": None, "c/1.jpg": None, "stray.jpg": None, "b/notes.txt": b"hi", "README": b"x"}
    source = read(write_files(files))
    assert dict(source.broken) == {
        "stray.jpg": "lies in no class folder",
        "README": "lies in no class folder",
        "b/notes.txt": "is not a picture: .txt",
    }


def test_one_class_is_refused_in_a_sentence(write_files: Write) -> None:
    with pytest.raises(DatasetError, match="has 1 class; it needs at least 3"):
        read(write_files({"a/1.jpg": None, "a/2.jpg": None}))


def test_loose_pictures_are_refused_in_a_sentence(write_files: Write) -> None:
    with pytest.raises(DatasetError, match="give each class a folder of its own"):
        read(write_files({"1.jpg": None, "2.jpg": None}))


def test_too_few_classes_are_refused_with_the_levels_that_could_be_chosen(write_files: Write) -> None:
    where = write_files({f"{top}/{name}/1.jpg": None for top in ("images", "masks") for name in "abc"})
    with pytest.raises(DatasetError, match="has 2 classes.*level 2: 6"):
        read(where)
    with open_source(where, choices=LayoutChoices(level=2)) as source:
        assert source.classes[0] == "a (images)" and len(source.classes) == 6


def test_folder_of_other_files_is_refused_with_what_they_are(write_files: Write) -> None:
    with pytest.raises(DatasetError, match=r"no pictures among its 4 files \(3 .txt, 1 .csv\)"):
        read(write_files({f"a/{name}": b"x" for name in ("1.txt", "2.txt", "3.TXT", "4.csv")}))


def test_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no pictures in class folders"):
        read(tmp_path)


# --- without labels


def test_flat_pictures_are_one_class_that_is_only_found(write_files: Write) -> None:
    where = write_files({"wren/2.jpg": None, "1.jpg": None, "wren/notes.txt": None})
    with open_source(where, flat=True) as source:
        assert placed(source) == {"1.jpg": ("unlabelled", "gallery"), "wren/2.jpg": ("unlabelled", "gallery")}
        assert not source.labelled and source.broken == (("wren/notes.txt", "is not a picture: .txt"),)


def test_flat_without_a_picture_is_refused(write_files: Write) -> None:
    with pytest.raises(DatasetError, match="has no pictures"), open_source(write_files({"a.txt": None}), flat=True):
        pass
