"""Tables of labels as spreadsheets, scripts and competitions write them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcore.datasets import Source, open_source
from mlcore.datasets.layout_choices import LayoutChoices, LayoutUnclear
from mlcore.errors import DatasetError

Write = Callable[..., Path]
Files = dict[str, bytes | None]


def pictures(count: int, folder: str = "images/") -> Files:
    return {f"{folder}{number}.jpg": None for number in range(count)}


def rows(count: int, head: str = "filename,label", row: str = "{n}.jpg,{c}", classes: str = "abcd") -> bytes:
    return "\n".join([head, *(row.format(n=n, c=classes[n % len(classes)]) for n in range(count))]).encode()


def read(where: Path, **choices: Any) -> Source:
    with open_source(where, choices=LayoutChoices.from_json(choices)) as source:
        return source


def classes_of(source: Source) -> dict[str, str]:
    return {item.path: source.classes[item.label] for item in source.items}


def splits_of(source: Source) -> dict[str, set[str]]:
    splits: dict[str, set[str]] = {}
    for item in source.items:
        splits.setdefault(item.split, set()).add(source.classes[item.label])
    return splits


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("labels.csv", rows(8)),
        ("list.CSV", rows(8, "LABEL;Path", "{c};images/{n}.jpg")),
        ("x.tsv", rows(8, "id\tbreed", "{n}\t{c}")),
        ("x.csv", b"\xef\xbb\xbf" + rows(8, "Image,Id")),
        ("x.csv", rows(8, ",image_id,species", "{n},{n},{c}").decode().encode("utf-16")),
        ("x.csv", rows(8, "url,whatever,class_id,class_name", "{n}.jpg,1,7,{c}")),
        ("x.csv", rows(8, "filepaths,labels,data set", "D/images/{n}.jpg,{c},")),
        ("x.jsonl", rows(8, "", '{{"image": "{n}.jpg", "label": ["{c}"], "w": 3}}')),
        ("images/x.csv", rows(8, "name,type", "../images/{n}.jpg,{c}")),
        ("meta/labels/x.csv", rows(8, "file,category", "..\\..\\images\\{n}.jpg,{c}")),
    ],
)
def test_columns_are_found_in_every_dialect(name: str, table: bytes, write_files: Write) -> None:
    source = read(write_files(pictures(8) | {name: table}))
    assert source.reader == "label_files" and source.labelled and source.remarks == () == source.broken
    assert classes_of(source) == {f"images/{n}.jpg": "abcd"[n % 4] for n in range(8)}
    assert splits_of(source) == {"train": {"a", "b"}, "test": {"c", "d"}}
    assert source.options.chosen.path_column in source.options.columns
    assert source.options.chosen.label_column in source.options.columns


def test_a_column_for_each_class_holds_marks(write_files: Write) -> None:
    table = b"image_id,healthy,rust,scab\n0,1,0,0\n1,0,1.0,0\n2,0,0,1\n3,0,1,1\n4,0,0,0\n"
    source = read(write_files(pictures(5) | {"train.csv": table}))
    assert classes_of(source) == {"images/0.jpg": "healthy", "images/1.jpg": "rust", "images/2.jpg": "scab"}
    assert dict(source.broken) == {
        "images/3.jpg": "has 2 classes in train.csv", "images/4.jpg": "has no class in train.csv",
    }  # fmt: skip


# --- what does not fit together


def test_rows_without_pictures_and_pictures_without_rows_are_reported_and_counted(write_files: Write) -> None:
    table = rows(8) + b"\n" + rows(300, "8.jpg,a", "lost{n}.jpg,{c}") + b"\n,a\n/etc/0.jpg,a\n../../0.jpg,b"
    source = read(write_files(pictures(10) | {"labels.csv": table}))
    reasons = dict(source.broken)
    assert len(source.items) == 9 and len(source.broken) == 304
    assert reasons["images/9.jpg"] == "has no class in labels.csv"
    assert reasons["lost0.jpg"] == "is listed and not there"
    assert [remark.split()[0] for remark in source.remarks] == ["303", "1"]


@pytest.mark.parametrize("file", ["/etc/0.jpg", "../../0.jpg", "C:\\0.jpg", ""])
def test_hostile_paths_are_reported(file: str, write_files: Write) -> None:
    source = read(write_files(pictures(8) | {"labels.csv": rows(8) + f"\n{file},zz".encode()}))
    assert [path for path, _ in source.broken] == [file or "line 10 of labels.csv"] and "zz" not in source.classes


def test_a_picture_with_two_classes_is_left_out_and_one_that_is_listed_twice_alike_is_not(write_files: Write) -> None:
    table = rows(8) + b"\n0.jpg,b\n0.jpg,c\nimages/1.jpg,b"
    source = read(write_files(pictures(8) | {"labels.csv": table}))
    assert len(source.items) == 7 and "images/1.jpg" in classes_of(source)
    assert source.broken == (("images/0.jpg", "has two classes in labels.csv: 'a' and 'b'"),)


def test_a_list_of_several_labels_leaves_the_picture_out(write_files: Write) -> None:
    lines = [{"file": f"{n}.jpg", "labels": ["abcd"[n % 4]]} for n in range(8)]
    lines[3]["labels"] = ["a", "b"]
    lines[4]["labels"] = []
    source = read(write_files(pictures(8) | {"x.ndjson": "\n".join(map(json.dumps, lines)).encode()}))
    assert {path for path, _ in source.broken} == {"images/3.jpg", "images/4.jpg"} and len(source.items) == 6


def test_no_header_is_said(write_files: Write) -> None:
    source = read(write_files(pictures(8) | {"labels.csv": rows(8).partition(b"\n")[2]}))
    assert len(source.items) == 8 and "no header" in source.remarks[0]
    assert source.options.columns == ("column 1", "column 2")


def test_a_header_that_is_called_like_a_picture_stays_one(write_files: Write) -> None:
    files = pictures(8) | {"image.jpg": None, "labels.csv": rows(8, "image,label")}
    assert len(read(write_files(files)).items) == 8


def test_an_encoding_that_is_not_read_is_named_with_the_way_out(write_files: Write) -> None:
    table = rows(8, classes="äbcd").decode().encode("latin-1")
    with pytest.raises(DatasetError, match="labels.csv is not in UTF-8.*save it as UTF-8"):
        read(write_files(pictures(8) | {"labels.csv": table}))


def test_a_class_that_is_a_text_is_refused(write_files: Write) -> None:
    table = rows(8) + b"\n7.jpg," + b"word " * 100
    with pytest.raises(DatasetError, match="at most 200"):
        read(write_files(pictures(8) | {"labels.csv": table}))


def test_numbers_get_the_names_of_a_list_beside_them(write_files: Write) -> None:
    files = pictures(8) | {"set/labels.csv": rows(8, "file,label", "../images/{n}.jpg,{c}", "0123")}
    for number, (name, text) in enumerate(
        {
            "classes.txt": b"wren\ngull\nswan\nduck\n",
            "labels.txt": b"1 wren\n2 gull\n3 swan\n0 duck",
            "map.json": b'{"3": "duck", "0": "wren", "1": "gull", "2": "swan"}',
            "set/id.json": b'{"label": {"names": ["wren", "gull", "swan", "duck"]}}',
            "README.md": b"---\nlabel:\n  class_label:\n    names:\n      '0': wren\n      '1': gull\n      2: swan\n"
            b"      3: 'duck'\n---\n",
        }.items()
    ):
        source = read(write_files(files | {name: text}, f"set{number}"))
        assert sorted(source.classes) == ["duck", "gull", "swan", "wren"], name
        assert any(name in remark for remark in source.remarks)
    assert read(write_files(files | {"classes.txt": b"wren\ngull\n"}, "short")).classes == ("0", "1", "2", "3")


# --- splits


def test_a_split_between_classes_is_kept(write_files: Write) -> None:
    words = {"a": "Validation", "b": "TEST", "c": "training", "d": "train"}
    table = "\n".join(["file,label,Split", *(f"{n}.jpg,{c},{words[c]}" for n, c in enumerate("abcdabcd"))])
    source = read(write_files(pictures(8) | {"labels.csv": table.encode()}))
    assert splits_of(source) == {"train": {"a", "c", "d"}, "test": {"b"}} and source.remarks == ()
    assert source.options.chosen.split_column == "Split"


def test_a_split_within_classes_is_set_aside_with_a_remark(write_files: Write) -> None:
    table = "\n".join(["file,label,split", *(f"{n}.jpg,{'abcd'[n % 4]},{('train', 'test')[n > 3]}" for n in range(8))])
    source = read(write_files(pictures(8) | {"labels.csv": table.encode()}))
    assert splits_of(source) == {"train": {"a", "b"}, "test": {"c", "d"}}
    assert "4 classes are in both" in source.remarks[0]


def test_folds_are_no_split(write_files: Write) -> None:
    table = rows(8, "file,label,fold", "{n}.jpg,{c},{n}")
    source = read(write_files(pictures(8) | {"labels.csv": table}))
    assert source.options.chosen.split_column == "" and source.remarks == ()


def test_several_tables_are_the_halves(write_files: Write) -> None:
    files = pictures(6, "train/") | pictures(4, "test/") | pictures(2, "val/")
    tables = {
        "train_labels.csv": rows(6, "id,label", classes="abc"),
        "test_labels.csv": rows(4, "id,label", classes="de"),
        "val.csv": rows(2, "id,label", classes="f"),
        "sample_submission.csv": rows(9, "id,label", classes="z"),
    }
    source = read(write_files(files | tables))
    assert splits_of(source) == {"train": {"a", "b", "c", "f"}, "test": {"d", "e"}}
    assert classes_of(source)["train/0.jpg"] == "a" and classes_of(source)["test/0.jpg"] == "d"
    assert len(source.items) == 12 and source.broken == ()


def test_a_table_without_classes_leaves_its_pictures_out(write_files: Write) -> None:
    files = pictures(8, "train/") | {"test/8.jpg": None, "train.csv": rows(8), "test.csv": b"filename\n8.jpg\n"}
    source = read(write_files(files))
    assert len(source.items) == 8 and [path for path, _ in source.broken] == ["test/8.jpg"]
    assert any(remark.startswith("test.csv") for remark in source.remarks)


def test_of_two_tables_the_one_that_names_more_pictures_is_read(write_files: Write) -> None:
    tables = {"few.csv": rows(3, classes="xyz"), "many.csv": rows(8), "train.csv": rows(4, classes="uv")}
    source = read(write_files(pictures(8) | tables))
    assert source.classes == ("a", "b", "c", "d") and len(source.remarks) == 2


# --- tables beside class folders


def class_folders(count: int) -> Files:
    return {f"{name}/{name}{n}.jpg": None for name in ("oak", "fir", "elm") for n in range(count)}


@pytest.mark.parametrize(
    "table",
    [
        b"date,price\n2020,3\n2021,4\n", b"file,label\nx.jpg,a\ny.jpg,b\n", b"name,size\noak0.jpg,3\n",
        b"a;b\n\xe4;2\n", b"", b"\0" * 99,
    ],
)  # fmt: skip
def test_class_folders_stay_beside_a_table_about_something_else(table: bytes, write_files: Write) -> None:
    source = read(write_files(class_folders(3) | {"x.csv": table}))
    assert source.reader == "folder" and source.classes == ("elm", "fir", "oak")


def test_a_table_of_most_pictures_wins_over_folders_with_a_remark(write_files: Write) -> None:
    table = b"file,label\n" + b"".join(f"{n}{k}.jpg,{n[0]}\n".encode() for n in ("oak", "fir", "elm") for k in (0, 1))
    where = write_files(class_folders(3) | {"labels.csv": table})
    source = read(where)
    assert source.reader == "label_files" and source.classes == ("e", "f", "o") and len(source.items) == 6
    assert "6 of 9" in source.remarks[0]
    assert read(where, reader="folder").classes == ("elm", "fir", "oak")


# --- what a user chooses


def test_columns_can_be_chosen(write_files: Write) -> None:
    table = rows(8, "n,file,label,kind,part", "{n},{n}.jpg,x,{c},{n}")
    where = write_files(pictures(8) | {"labels.csv": table})
    source = read(where, label_column="KIND")
    assert source.reader == "label_files" and source.classes == ("a", "b", "c", "d")
    assert source.options.chosen.label_column == "kind" and source.options.columns == (
        "n", "file", "label", "kind", "part",
    )  # fmt: skip
    assert read(where, label_column="kind", path_column="n").options.chosen.path_column == "n"
    with pytest.raises(DatasetError, match="'species'.*'kind'"):
        read(where, label_column="species")


def test_columns_that_are_not_clear_are_listed(write_files: Write) -> None:
    where = write_files(pictures(8) | {"labels.csv": rows(8, "file,colour,shape", "{n}.jpg,red,{c}")})
    with pytest.raises(LayoutUnclear, match="'colour', 'shape'.*label_column") as caught:
        read(where)
    assert caught.value.options.columns == ("file", "colour", "shape")
    assert caught.value.options.chosen == LayoutChoices(reader="label_files", path_column="file")
    assert read(where, label_column="shape").classes == ("a", "b", "c", "d")


@pytest.mark.parametrize("column", ["{n}.5", "word {n}"])
def test_measures_and_captions_are_no_classes(column: str, write_files: Write) -> None:
    where = write_files(pictures(12) | {"labels.csv": rows(12, "file,x", "{n}.jpg," + column)})
    with pytest.raises(DatasetError, match="label_column"):
        read(where)
    assert len(read(where, label_column="x").classes) == 12


def test_a_chosen_table_may_be_refused_by_folders_otherwise(write_files: Write) -> None:
    table = b"name,size\noak0.jpg,3\nfir0.jpg,4\nelm0.jpg,5\n"
    source = read(write_files(class_folders(3) | {"x.csv": table}), reader="label_files")
    assert source.classes == ("3", "4", "5") and len(source.broken) == 6


@pytest.mark.parametrize("choices", [{"pattern": "(?P<label>.)"}, {"level": 2}])
def test_other_choices_are_refused(choices: dict[str, Any], write_files: Write) -> None:
    with pytest.raises(DatasetError, match=next(iter(choices))):
        read(write_files(pictures(8) | {"labels.csv": rows(8)}), reader="label_files", **choices)


@pytest.mark.parametrize(("file", "word"), [("train.parquet", "CSV"), ("data/x.xlsx", "CSV")])
def test_tables_of_other_formats_are_refused_with_the_way_out(file: str, word: str, write_files: Write) -> None:
    with pytest.raises(DatasetError, match=word):
        read(write_files({file: b"PAR1"}))
    with pytest.raises(DatasetError, match=word):
        read(write_files(pictures(3) | {file: b"PAR1"}, "pictures"), reader="label_files")
