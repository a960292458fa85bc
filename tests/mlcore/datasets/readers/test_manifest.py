"""Sets whose manifest.json lists their class folders."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.manifest import read_listed_folders
from mlcore.errors import DatasetError


def manifest(**change: object) -> dict[str, object]:
    classes = [
        {"folder": f"{number:03d}.Car_{number}", "id": number, "split": split, "count": 2}
        for number, split in ((99, "test"), (1, "train"), (2, "train"))
    ]
    return {"name": "Cars, reduced", "licence": "research", "classes": classes} | change


def reduced(about: object) -> dict[str, bytes | None]:
    pictures: dict[str, bytes | None] = {
        f"cars/{number:03d}.Car_{number}/{photo}.jpg": None for number in (1, 2, 99) for photo in (1, 2)
    }
    return pictures | {"cars/manifest.json": json.dumps(about).encode()}


def test_manifest_gives_classes_split_and_licence(write_files: Callable[..., Path]) -> None:
    with open_source(write_files(reduced(manifest()))) as source:
        assert source.classes == ("Car 1", "Car 2", "Car 99")
        assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2]
        assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 2
        assert (source.name, source.licence) == ("Cars, reduced", "research")
        assert "not comparable" in source.origin


def test_class_with_another_count_than_its_manifest_says_is_refused(write_files: Callable[..., Path]) -> None:
    files = reduced(manifest())
    del files["cars/002.Car_2/1.jpg"]
    with (
        pytest.raises(DatasetError, match="002.Car_2 should have 2 pictures by manifest.json; found 1"),
        open_source(write_files(files)),
    ):
        pytest.fail("accepted")


@pytest.mark.parametrize(
    "about",
    [
        [],
        {"name": "a web app"},
        {"classes": ["a"]},
        manifest(classes=[{"folder": "a"}]),
        manifest(classes=[{"folder": 3, "id": 1, "split": "train", "count": 2}]),
        manifest(classes=[{"folder": "a", "id": 1, "split": "val", "count": 2}]),
    ],
)
def test_manifest_about_something_else_leaves_class_folders(about: object, write_files: Callable[..., Path]) -> None:
    with open_source(write_files(reduced(about))) as source:
        assert source.classes == ("001.Car_1", "002.Car_2", "099.Car_99")
    with open_tree(write_files(reduced(about))) as tree, pytest.raises(DatasetError, match="does not list"):
        read_listed_folders(tree, "cars/")
