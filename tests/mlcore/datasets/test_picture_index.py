"""Pictures are found by what other files call them, and nothing outside the tree is."""

import unicodedata

import pytest

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.picture_index import NOT_THERE, OUTSIDE, PictureIndex


def index_of(*paths: str) -> PictureIndex:
    return PictureIndex(FileTree("set", "set", dict.fromkeys(paths, 1), lambda path: b""))


@pytest.mark.parametrize(
    "name",
    [
        "images/a/0001.jpg", "a/0001.jpg", "0001.jpg", "0001", "a/0001", "./a/0001.jpg", "images\\a\\0001.jpg",
        "A/0001.JPG", "data/birds/images/a/0001.jpg", "elsewhere/0001.jpg", "../images/a/0001.jpg",
    ],
)  # fmt: skip
def test_a_path_may_begin_anywhere_and_lack_its_ending(name: str) -> None:
    index = index_of("images/a/0001.jpg", "images/b/0002.jpg", "labels/train.csv")
    assert index.find(name, folder="labels/") == ("images/a/0001.jpg", "")


@pytest.mark.parametrize(
    "name", ["/etc/1.jpg", "C:\\x\\1.jpg", "c:/1.jpg", "\\\\host\\1.jpg", "../../1.jpg", "1.jpg\0"]
)
def test_a_path_that_leaves_the_data_set_is_no_picture(name: str) -> None:
    assert index_of("x/1.jpg").find(name, folder="x/") == ("", OUTSIDE)


@pytest.mark.parametrize("name", ["2.jpg", "1.png", "b/1.jpg", "x" * 5_000, ".", "..", "notes.txt"])
def test_what_is_not_there_is_not_guessed(name: str) -> None:
    assert index_of("a/1.jpg", "b/3.jpg", "notes.txt").find(name, folder="b/")[1] in (NOT_THERE, OUTSIDE)
    assert not index_of("a/1.jpg", "b/3.jpg", "notes.txt").find(name)[0]


def test_an_ending_may_lie_in_the_name() -> None:
    index = index_of("img.v2.jpg", "plain")
    assert index.find("img.v2") == ("img.v2.jpg", "") and index.find("plain") == ("plain", "")


def test_unicode_forms_are_one() -> None:
    path = unicodedata.normalize("NFD", "grün/Grünfink.jpg")
    assert index_of(path).find(unicodedata.normalize("NFC", "Grünfink.JPG")) == (path, "")


def test_the_nearest_of_several_is_meant() -> None:
    index = index_of("train/1.jpg", "test/1.jpg", "test/masks/2.png", "test/images/2.jpg", "other/3.jpg", "other/3.png")
    assert index.find("1", split="train") == ("train/1.jpg", "")
    assert index.find("1.jpg", folder="test/") == ("test/1.jpg", "")
    assert index.find("2") == ("test/images/2.jpg", "")
    assert index.find("1") == ("", "is the name of 2 pictures")
    assert index.find("3")[0] == "" and index.find("3.png")[0] == "other/3.png"
