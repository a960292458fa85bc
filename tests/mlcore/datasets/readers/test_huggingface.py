"""Hugging Face `imagefolder` with its metadata."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.errors import DatasetError

Write = Callable[..., Path]
CARD = b"""---
dataset_info:
  features:
  - name: label
    dtype:
      class_label:
        names:
          '0': wren
          '1': gull
          '2': swan
          '3': duck
  splits:
  - name: train
---
# Birds
"""


def lines(numbers: list[int], labels: str) -> bytes:
    objects = [{"file_name": f"{n}.jpg", "text": f"bird {n}", "label": int(labels[n % len(labels)])} for n in numbers]
    return "\n".join(map(json.dumps, objects)).encode()


def test_each_split_has_its_table_and_numbers_their_names(write_files: Write) -> None:
    files: dict[str, bytes | None] = {f"train/{n}.jpg": None for n in range(4)} | {
        f"test/{n}.jpg": None for n in (0, 1)
    }
    files |= {"README.md": CARD, "train/metadata.jsonl": lines([0, 1, 2, 3], "102")}
    files["test/metadata.csv"] = b"file_name,label\n0.jpg,3\n1.jpg,3\n"
    with open_source(write_files(files)) as source:
        assert source.reader == "huggingface" and source.classes == ("wren", "gull", "swan", "duck")
        placed = {item.path: (source.classes[item.label], item.split) for item in source.items}
    assert placed["train/0.jpg"] == ("gull", "train") and placed["test/0.jpg"] == ("duck", "test") and len(placed) == 6
    assert source.options.chosen.label_column == "label"


def test_one_table_may_name_pictures_in_folders(write_files: Write) -> None:
    table = "file_name,additional_feature,species\n" + "".join(f"images/{n}.png,x,{'abc'[n % 3]}\n" for n in range(6))
    files: dict[str, bytes | None] = {f"data/images/{n}.png": None for n in range(6)}
    with open_source(write_files(files | {"data/metadata.csv": table.encode()})) as source:
        assert source.reader == "huggingface" and source.classes == ("a", "b", "c") and len(source.items) == 6


def test_captions_beside_class_folders_name_no_classes(write_files: Write) -> None:
    table = "file_name,text,width\n" + "".join(f"{name}/1.jpg,a {name},3\n" for name in "abc")
    files: dict[str, bytes | None] = {f"{name}/1.jpg": None for name in "abc"}
    with open_source(write_files(files | {"metadata.csv": table.encode()})) as source:
        assert source.reader == "folder" and source.classes == ("a", "b", "c")


def test_captions_alone_are_refused_with_the_columns(write_files: Write) -> None:
    files: dict[str, bytes | None] = {f"{n}.jpg": None for n in range(3)}
    table = b"file_name,text,width\n0.jpg,a,1\n1.jpg,b,2\n2.jpg,c,3\n"
    with (
        pytest.raises(DatasetError, match="'text', 'width'"),
        open_source(write_files(files | {"metadata.csv": table})),
    ):
        pass


def test_tables_of_other_names_are_not_its(write_files: Write) -> None:
    table = "file_name,label\n" + "".join(f"{n}.jpg,{'abc'[n]}\n" for n in range(3))
    files: dict[str, bytes | None] = {f"{n}.jpg": None for n in range(3)}
    with open_source(write_files(files | {"image_metadata.csv": table.encode()})) as source:
        assert source.reader == "label_files"
