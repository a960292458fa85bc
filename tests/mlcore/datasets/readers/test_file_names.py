"""Classes in file names."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.datasets.layout_choices import LayoutChoices, LayoutUnclear
from mlcore.errors import DatasetError

Write = Callable[..., Path]
Files = dict[str, bytes | None]
IDENTITY = r"^(?P<label>\d{4})_"


def test_a_pattern_alone_chooses_the_reader(write_files: Write) -> None:
    files: Files = {f"train/{kind}.{n}.jpg": None for kind in ("cat", "dog", "fox") for n in range(3)}
    choices = LayoutChoices(pattern=r"^(?P<label>[a-z]+)\.")
    with open_source(write_files(files | {"test1/1.jpg": None}), choices=choices) as source:
        assert source.reader == "file_names" and source.classes == ("cat", "dog", "fox")
        assert [item.split for item in source.items] == ["train"] * 6 + ["test"] * 3
        assert source.broken == (("test1/1.jpg", "does not fit the pattern"),)
        assert source.options.chosen == replace(choices, reader=source.reader)


def test_market_1501_keeps_its_queries_and_its_gallery(write_files: Write) -> None:
    files: Files = {f"bounding_box_train/{person:04d}_c1s1_{n}_00.jpg": None for person in (2, 7) for n in range(2)}
    files |= {
        f"bounding_box_test/{person}_c2s1_{n}_00.jpg": None for person in ("-1", "0000", "0001") for n in range(2)
    }
    files |= {"query/0001_c3s1_9_00.jpg": None, "gt_bbox/0002_c1s1_9_00.jpg": None, "gt_bbox/0001_c1s1_9_00.jpg": None}
    with open_source(write_files(files, "market"), choices=LayoutChoices(pattern=IDENTITY)) as source:
        assert source.classes == ("0000", "0001", "0002", "0007")
        splits = {item.path.split("/")[0]: item.split for item in source.items}
        assert splits == {"bounding_box_train": "train", "bounding_box_test": "gallery", "query": "query"}
        assert len(source.items) == 9 and len(source.broken) == 4


def test_the_pattern_may_say_the_split(write_files: Write) -> None:
    files: Files = {f"{half}-{name}-{n}.jpg": None for half, name in ("ta", "tb", "ec") for n in (1, 2)}
    files = {path.replace("t-", "train-").replace("e-", "eval-"): data for path, data in files.items()}
    with open_source(write_files(files), choices=LayoutChoices(pattern=r"^(?P<split>\w+)-(?P<label>\w)-\d")) as source:
        assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 2 and source.remarks == ()


def test_a_pattern_is_never_taken_silently(write_files: Write) -> None:
    files: Files = {f"train/{kind}.{n}.jpg": None for kind in ("cat", "dog") for n in range(9)}
    with pytest.raises(LayoutUnclear, match=r"labels\.csv.*without labels") as caught, open_source(write_files(files)):
        pass
    with open_source(write_files(files | {"train/fox.1.jpg": None}), choices=caught.value.options.chosen) as source:
        assert source.classes == ("cat", "dog", "fox")
    assert "2 classes here (cat, dog)" in str(caught.value) and "(?P<label>" in str(caught.value)


def test_class_folders_win_over_names(write_files: Write) -> None:
    files: Files = {f"{kind}/{kind}.{n}.jpg": None for kind in ("cat", "dog", "fox") for n in range(9)}
    with open_source(write_files(files)) as source:
        assert source.reader == "folder"


def test_flat_pictures_are_refused_with_every_way_out(write_files: Write) -> None:
    for number, where in enumerate(("", "images/")):
        files: Files = {f"{where}{n}.jpg": None for n in range(4)}
        with (
            pytest.raises(DatasetError, match=r"pattern.*folder.*labels\.csv.*without labels"),
            open_source(write_files(files, f"set{number}")),
        ):
            pass
    with (
        pytest.raises(DatasetError, match=r"pattern.*folder.*labels\.csv.*without labels"),
        open_source(write_files(files), choices=LayoutChoices(reader="file_names")),
    ):
        pass


@pytest.mark.parametrize("choices", [{"level": 2}, {"path_column": "x"}])
def test_other_choices_are_refused(choices: dict[str, object], write_files: Write) -> None:
    with (
        pytest.raises(DatasetError, match=next(iter(choices))),
        open_source(
            write_files({"a_1.jpg": None}),
            choices=LayoutChoices.from_json({"reader": "file_names", "pattern": IDENTITY, **choices}),
        ),
    ):
        pass
