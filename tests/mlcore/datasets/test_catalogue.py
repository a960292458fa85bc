"""The catalogue of an imported set: what is written is read, and nonsense is refused."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlcore.datasets import Picture, load_dataset, write_catalogue
from mlcore.errors import DatasetError

ROWS = (
    Picture(7, "a/1.jpg", 0, "train", "aa" * 32, 40, 30),
    Picture(9, 'b/"two", é.jpg', 1, "train", "bb" * 32, 40, 30),
    Picture(3, "c/3.jpg", 2, "test", "cc" * 32, 40, 30),
)


def write(folder: Path, rows: tuple[Picture, ...] = ROWS) -> str:
    return write_catalogue(folder, name="Tiny", classes=["a", "b", "ç"], rows=rows, licence="free", source="memory")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    fingerprint = write(tmp_path)
    dataset = load_dataset(tmp_path)
    assert dataset.pictures == ROWS
    assert dataset.classes == ("a", "b", "ç")
    assert (dataset.name, dataset.licence, dataset.source) == ("Tiny", "free", "memory")
    assert dataset.fingerprint == fingerprint
    assert dataset.picture_path(ROWS[0]) == tmp_path / "images" / "a" / "1.jpg"


def test_arrays_speak_of_rows(tmp_path: Path) -> None:
    write(tmp_path)
    dataset = load_dataset(tmp_path)
    assert dataset.labels.dtype == np.int64
    assert dataset.labels.tolist() == [0, 1, 2]
    assert dataset.ids.tolist() == [7, 9, 3]
    assert dataset.rows("train").tolist() == [0, 1]
    assert dataset.rows("test").tolist() == [2]
    with pytest.raises(ValueError, match="no split named 'val'"):
        dataset.rows("val")
    with pytest.raises(ValueError, match="read-only"):
        dataset.labels[0] = 5


def test_fingerprint_follows_content_not_order_names_or_ids(tmp_path: Path) -> None:
    first = write(tmp_path)
    renamed = tuple(replace(row, id=row.id + 100, path=f"x/{row.path}") for row in reversed(ROWS))
    assert write(tmp_path, renamed) == first
    for change in ({"sha256": "dd" * 32}, {"label": 1}, {"split": "test", "label": 2}):
        assert write(tmp_path, (replace(ROWS[0], **change), *ROWS[1:])) != first  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"id": -1}, "id -1 is negative"),
        ({"id": 9}, "id 9 is negative or appears twice"),
        ({"label": 3}, "has label 3; the 3 classes"),
        ({"label": -1}, "has label -1"),
        ({"split": "val"}, "has split 'val'"),
        ({"label": 2}, "class 2 is both trained on and held out"),
        ({"path": "../x.jpg"}, "leaves the data set"),
        ({"path": "/etc/x.jpg"}, "leaves the data set"),
        ({"path": ""}, "leaves the data set"),
    ],
)
def test_nonsense_is_refused_and_nothing_is_written(change: dict[str, object], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=sentence):
        write(tmp_path, (replace(ROWS[0], **change), *ROWS[1:]))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no picture"):
        write(tmp_path, ())


def test_folder_that_is_no_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no dataset.json"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 2}', '{"format": 1}', "\xff"])
def test_damaged_description_is_refused(text: str, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "dataset.json").write_text(text, encoding="latin-1")
    with pytest.raises(DatasetError):
        load_dataset(tmp_path)


def test_catalogue_changed_behind_the_descriptions_back_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    table = tmp_path / "images.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[:-1]))
    with pytest.raises(DatasetError, match="import again"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "table",
    [
        "",
        "id,path\n",
        "id,path,label,split,sha256,width,height\nx,a.jpg,0,train,aa,1,1\n",
        "id,path,label,split,sha256,width,height\n1,a.jpg,0,train\n",
        "id,path,label,split,sha256,width,height\n1,a.jpg,0,train,aa,1,1,extra\n",
        'id,path,label,split,sha256,width,height\n1,"a.jpg,0,train',
    ],
)
def test_damaged_table_is_refused(table: str, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "images.csv").write_text(table)
    with pytest.raises(DatasetError, match="images.csv"):
        load_dataset(tmp_path)


def test_missing_table_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "images.csv").unlink()
    with pytest.raises(DatasetError, match="images.csv"):
        load_dataset(tmp_path)


def test_description_holds_what_the_contract_names(tmp_path: Path) -> None:
    write(tmp_path)
    about = json.loads((tmp_path / "dataset.json").read_text())
    assert about.keys() == {"format", "name", "classes", "licence", "source", "ks", "fingerprint"}
    assert (tmp_path / "images.csv").read_text().startswith("id,path,label,split,sha256,width,height\n")


PARTED = (*ROWS[:2], replace(ROWS[2], split="query"), replace(ROWS[2], id=4, path="c/4.jpg", split="gallery"))


def test_queries_ask_the_gallery_and_other_rows_each_other(tmp_path: Path) -> None:
    write(tmp_path, PARTED)
    dataset = load_dataset(tmp_path)
    assert dataset.held_out.tolist() == [2, 3]
    assert (dataset.rows("query").tolist(), dataset.rows("gallery").tolist()) == ([2], [3])
    is_query = dataset.is_query(dataset.held_out)
    assert is_query is not None and is_query.tolist() == [True, False]
    assert dataset.is_query(dataset.rows("train")) is None
    write(tmp_path)
    assert load_dataset(tmp_path).is_query(load_dataset(tmp_path).held_out) is None


@pytest.mark.parametrize(
    "rows",
    [
        PARTED[:3],
        (*PARTED[:2], PARTED[3]),
        (*PARTED, replace(ROWS[2], id=5, path="c/5.jpg")),
    ],
)
def test_held_out_pictures_that_could_not_be_measured_are_refused(rows: tuple[Picture, ...], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="held-out pictures are all test, or some query and the others gallery"):
        write(tmp_path, rows)


@pytest.mark.parametrize("split", ["query", "gallery"])
def test_trained_class_is_in_no_part_that_is_held_out(split: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="class 1 is both trained on and held out"):
        write(tmp_path, (*PARTED, replace(ROWS[1], id=5, path="b/5.jpg", split=split)))


def test_fingerprint_is_the_same_as_ever(tmp_path: Path) -> None:
    lines = sorted(f"{row.sha256},{row.label},{row.split}\n" for row in ROWS)
    assert write(tmp_path) == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_ks_of_recall_are_kept_and_older_folders_have_the_usual_ones(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_dataset(tmp_path).ks == (1, 2, 4, 8)
    write_catalogue(tmp_path, name="Tiny", classes="abc", rows=ROWS, licence="", source="", ks=(1, 10, 1000))
    assert load_dataset(tmp_path).ks == (1, 10, 1000)
    about = json.loads((tmp_path / "dataset.json").read_text())
    del about["ks"]
    (tmp_path / "dataset.json").write_text(json.dumps(about))
    assert load_dataset(tmp_path).ks == (1, 2, 4, 8)


@pytest.mark.parametrize("ks", [[], [2, 4], [1, 4, 2], [1, 1], [1, 2.0], [1, True], "18", 1, None])
def test_ks_that_cannot_be_meant_are_refused(ks: object, tmp_path: Path) -> None:
    write(tmp_path)
    about = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(about | {"ks": ks}))
    with pytest.raises(DatasetError, match="they ascend from 1"):
        load_dataset(tmp_path)
