"""WebDataset: labels in files beside the pictures."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.errors import DatasetError

Write = Callable[..., Path]
Files = dict[str, bytes | None]


def shard(count: int = 8) -> Files:
    files: Files = {}
    for number in range(count):
        files |= {f"{number:06d}.jpg": None, f"{number:06d}.cls": f"{number % 4}\n".encode()}
    return files


@pytest.mark.parametrize("archive", ["", "tar"])
def test_a_shard_is_read_packed_or_not(archive: str, write_files: Write) -> None:
    where = write_files(shard() | {"classes.txt": b"wren\ngull\nswan\nduck"})
    with open_source(shutil.make_archive(str(where), archive, where) if archive else where) as source:
        assert source.reader == "webdataset" and source.classes == ("wren", "gull", "swan", "duck")
        assert {item.path: item.label for item in source.items}["000005.jpg"] == 1


def test_labels_may_stand_in_json(write_files: Write) -> None:
    files: Files = {}
    for number, name in enumerate("abcabc"):
        files |= {f"x/{number}.png": None, f"x/{number}.json": f'{{"id": 1, "label": "{name}"}}'.encode()}
    files |= {"x/5.json": b'{"label": [1, 2]}', "x/6.png": None}
    with open_source(write_files(files)) as source:
        assert source.reader == "webdataset" and source.classes == ("a", "b", "c")
        assert [path for path, _ in source.broken] == ["x/5.png", "x/6.png"]


@pytest.mark.parametrize("name", ["train-000000.tar", "a/b/train.zip"])
def test_archives_inside_are_refused_with_the_way_out(name: str, write_files: Write) -> None:
    with pytest.raises(DatasetError, match=rf"{name}.*unpack"), open_source(write_files({name: b"", "notes.txt": b""})):
        pass


def test_class_folders_stay_where_few_pictures_have_a_label_beside_them(write_files: Write) -> None:
    files: Files = {f"{name}/{n}.jpg": None for name in ("oak", "fir", "elm") for n in range(3)}
    for number, label in enumerate([b"7", b"{}"]):
        with open_source(write_files(files | {"oak/0.json": label, "oak/1.cls": b"7"}, f"set{number}")) as source:
            assert source.reader == "folder"
