"""Pictures with labels from files: their splits, and what is left out."""

import pytest

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.source import Source
from mlcore.datasets.split_words import VALIDATION
from mlcore.errors import DatasetError


def gathered(*rows: tuple[str, str, str]) -> LabelledPictures:
    tree = FileTree("set", "set", {path: 1 for path, _, _ in rows}, lambda path: path.encode(), (("x", "is skipped"),))
    pictures = LabelledPictures(tree, "x.csv")
    for row in rows:
        pictures.add(*row)
    return pictures


def source_of(pictures: LabelledPictures, *order: str) -> Source:
    return pictures.source(name="set", origin="set", order=order)


@pytest.mark.parametrize(
    ("stated", "splits"),
    [
        (("train", "train", "test"), ["train", "train", "test"]),
        (("train", "train", VALIDATION), ["train", "train", "test"]),
        (("train", VALIDATION, "test"), ["train", "train", "test"]),
        (("train", "", "test"), ["train", "train", "test"]),
        (("test", "train", "train"), ["test", "train", "train"]),
        (("train", "train", "query"), ["train", "train", "query"]),
        (("", "", ""), ["train", "train", "test"]),
    ],
)
def test_a_split_between_classes_is_kept(stated: tuple[str, ...], splits: list[str]) -> None:
    rows = [(f"{name}.jpg", name, split) for name, split in zip("abc", stated, strict=True)]
    source = source_of(gathered(*rows))
    assert [item.split for item in source.items] == splits and source.remarks == ()


@pytest.mark.parametrize("stated", [("train", "test", "test"), ("test", "test", "test"), ("train", "train", "train")])
def test_a_split_that_cannot_be_trained_on_is_set_aside(stated: tuple[str, ...]) -> None:
    rows = [(f"{name}.jpg", name, split) for name, split in zip("abc", stated, strict=True)]
    source = source_of(gathered(*rows))
    assert [item.split for item in source.items] == ["train", "train", "test"] and len(source.remarks) == 1


def test_pictures_beside_queries_are_their_gallery() -> None:
    rows = [("a", "a", "train"), ("b", "b", "train"), ("c1", "c", "query"), ("c2", "c", "test")]
    splits = {item.path: item.split for item in source_of(gathered(*rows)).items}
    assert splits == {"a": "train", "b": "train", "c1": "query", "c2": "gallery"}


def test_an_order_of_the_classes_is_kept() -> None:
    source = source_of(gathered(("1", "b", ""), ("2", "a10", ""), ("3", "c", ""), ("4", "a9", "")), "c", "b")
    assert source.classes == ("c", "b", "a9", "a10")
    assert [item.read() for item in source.items] == [b"3", b"1", b"4", b"2"]
    assert source.broken == (("x", "is skipped"),)


def test_names_are_exchanged_at_once() -> None:
    pictures = gathered(("1", "a", ""), ("2", "b", ""), ("3", "c", ""))
    pictures.rename({"a": "b", "b": "a", "c": "c"})
    assert pictures.labels == {"a", "b", "c"}
    assert {item.path: item.label for item in source_of(pictures).items} == {"1": 1, "2": 0, "3": 2}


def test_what_is_left_out_is_listed_and_counted() -> None:
    pictures = gathered(("1", "a", ""), ("2", "b", ""), ("3", "c", ""), ("4", "d", ""))
    pictures.add("4", "a")
    pictures.leave_out_others(f"{number:03d}.jpg" for number in range(300))
    source = source_of(pictures)
    assert len(pictures) == len(source.items) == 3 and len(source.broken) == 302
    assert [remark.split()[0] for remark in source.remarks] == ["1", "300"]


def test_nothing_left_is_refused_with_the_first_reason() -> None:
    pictures = gathered()
    pictures.miss("a/1.jpg")
    with pytest.raises(DatasetError, match="x.csv names no picture of set.*a/1.jpg, is listed and not there"):
        source_of(pictures)
