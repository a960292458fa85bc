"""Annotations in the form of COCO, as iNaturalist has them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlcore.datasets import open_source
from mlcore.errors import DatasetError

Write = Callable[..., Path]
Files = dict[str, bytes | None]
SPECIES = ("Acer rubrum", "Ardea alba", "Apis mellifera", "Corvus corax")


def annotations(files: Sequence[str], categories: Sequence[int], **more: Any) -> bytes:
    values = {
        "info": {"year": 2018},
        "annotations": [{"id": n, "image_id": n, "category_id": c, **more} for n, c in enumerate(categories)],
        "images": [{"id": n, "file_name": file, "width": 3} for n, file in enumerate(files)],
        "categories": [{"id": n, "name": name, "supercategory": "x"} for n, name in enumerate(SPECIES)],
    }
    return json.dumps(values).encode()


def test_both_files_are_taken_together_and_split_by_class(write_files: Write) -> None:
    train = [f"train_val_images/{'Plantae' if n % 4 == 0 else 'Aves'}/{n}.jpg" for n in range(8)]
    val = [f"train_val_images/Aves/v{n}.jpg" for n in range(4)]
    files: Files = dict.fromkeys([*train, *val, "train_val_images/Aves/extra.jpg"])
    files |= {"train2018.json": annotations(train, [0, 1, 2, 3] * 2), "val2018.json": annotations(val, [0, 1, 2, 3])}
    with open_source(write_files(files)) as source:
        assert source.reader == "inaturalist" and source.classes == tuple(sorted(SPECIES))
        assert [item.split for item in source.items] == ["train"] * 6 + ["test"] * 6
        assert [path for path, _ in source.broken] == ["train_val_images/Aves/extra.jpg"]
        assert "4 classes are in both" in source.remarks[0]


def test_a_split_between_classes_is_kept(write_files: Write) -> None:
    files: Files = {f"{half}/{n}.jpg": None for half in ("train", "valid") for n in range(4)}
    files["train/_annotations.coco.json"] = annotations([f"{n}.jpg" for n in range(4)], [2, 3, 2, 3], bbox=[1, 2, 3, 4])
    files["valid/_annotations.coco.json"] = annotations([f"{n}.jpg" for n in range(4)], [0, 1, 0, 1])
    with open_source(write_files(files)) as source:
        assert {source.classes[item.label] for item in source.items if item.split == "test"} == set(SPECIES[:2])
        assert len(source.items) == 8 and any("boxes" in remark for remark in source.remarks)


def test_pictures_with_several_categories_are_left_out(write_files: Write) -> None:
    names = [f"{n}.jpg" for n in range(6)]
    values = json.loads(annotations([*names, "lost.jpg", "/etc/0.jpg"], [0, 1, 2, 3, 0, 1]))
    values["annotations"] += [{"image_id": 5, "category_id": 2}, {"image_id": [5], "category_id": {}}]
    values["images"].append({"id": 99, "file_name": "0.jpg"})
    files: Files = {f"images/{name}": None for name in names}
    with open_source(write_files(files | {"labels/all.json": json.dumps(values).encode()})) as source:
        assert len(source.items) == 5
        assert {path for path, _ in source.broken} == {"images/5.jpg", "lost.jpg", "/etc/0.jpg"}


def test_scenes_of_many_objects_are_refused_with_the_way_out(write_files: Write) -> None:
    names = [f"{n}.jpg" for n in range(4)]
    values = json.loads(annotations(names, [0, 1, 2, 3]))
    values["annotations"] += [{"image_id": n, "category_id": (n + 1) % 4} for n in range(3)]
    files: Files = {f"val2017/{name}": None for name in names}
    files["annotations/instances_val2017.json"] = json.dumps(values).encode()
    with pytest.raises(DatasetError, match="Cut the objects out"), open_source(write_files(files)):
        pass


def test_class_folders_stay_beside_other_json(write_files: Write) -> None:
    files: Files = {f"{name}/{name}{n}.jpg": None for name in ("oak", "fir", "elm") for n in range(3)}
    for number, data in enumerate([annotations(["oak0.jpg"], [0]), b'{"images": 1, "annotations" "categories"', b"{}"]):
        with open_source(write_files(files | {"x.json": data}, f"set{number}")) as source:
            assert source.reader == "folder"
