"""Oxford-IIIT Pets: a list with comments, halves by breed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.pets import OFFICIAL, read_pets
from mlcore.datasets.source import OfficialTotal
from mlcore.errors import DatasetError

TINY = OfficialTotal(classes=3, images=6)
HEADER = "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n"
BREEDS = ("Abyssinian", "american_bulldog", "Birman")


def layout(top: str = "") -> dict[str, bytes | None]:
    names = [(f"{breed}_{photo}", number) for number, breed in enumerate(BREEDS, start=1) for photo in (1, 10)]
    lines = "".join(f"{name} {number} 1 1\n" for name, number in names)
    lists = {"list.txt": HEADER + lines, "trainval.txt": lines, "test.txt": ""}
    pictures: dict[str, bytes | None] = {f"{top}images/{name}.jpg": None for name, _ in names}
    beside = {f"{top}images/Abyssinian_1.mat": b"", f"{top}images/Birman_99.jpg": None}
    return pictures | beside | {f"{top}annotations/{name}": text.encode() for name, text in lists.items()}


def test_breeds_are_classes_and_unlisted_pictures_stay_outside(write_files: Callable[..., Path]) -> None:
    with open_tree(write_files(layout())) as tree:
        source = read_pets(tree, "", expected=TINY)
        assert source.items[0].read().startswith(b"\xff\xd8")
    assert source.classes == ("Abyssinian", "american bulldog", "Birman")
    assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2]
    assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 2
    assert source.items[-1].path == "images/Birman_10.jpg"


@pytest.mark.parametrize("top", ["", "oxford-iiit-pet/"])
def test_incomplete_set_is_recognised_and_refused_with_both_counts(top: str, write_files: Callable[..., Path]) -> None:
    with (
        pytest.raises(DatasetError, match=r"IIIT Pets is not complete: expected 7,349 .*37 classes; found 6 "),
        open_source(write_files(layout(top))),
    ):
        pytest.fail("accepted")


def test_missing_picture_is_missed(write_files: Callable[..., Path]) -> None:
    files = layout()
    del files["images/Birman_1.jpg"]
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="expected 6 .*found 5 "):
        read_pets(tree, "", expected=TINY)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("Abyssinian_1 1 1\n", "line 3 should hold 4 words, has 3"), ("Abyssinian_1 cat 1 1\n", "no class number: 'cat'")],
)
def test_damaged_list_is_named(text: str, sentence: str, write_files: Callable[..., Path]) -> None:
    files = layout() | {"annotations/list.txt": (HEADER + text).encode()}
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match=sentence):
        read_pets(tree, "", expected=TINY)


def test_official_counts_and_halves() -> None:
    assert (OFFICIAL.images, OFFICIAL.classes) == (7_349, 37)
    assert [OFFICIAL.split_of(number) for number in (1, 19, 20, 37)] == ["train", "train", "test", "test"]


def test_a_list_alone_does_not_make_pets(write_files: Callable[..., Path]) -> None:
    files: dict[str, bytes | None] = {f"{name}/1.jpg": None for name in "abc"}
    with open_source(write_files(files | {"annotations/list.txt": b"a note\n"})) as source:
        assert source.classes == ("a", "b", "c")
