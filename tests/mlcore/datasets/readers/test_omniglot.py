"""Omniglot: characters of alphabets in two folders."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from mlcore.datasets import open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.omniglot import OFFICIAL, read_omniglot
from mlcore.datasets.source import OfficialSplit
from mlcore.errors import DatasetError
from mlcore.images.image_io import open_picture

TINY = OfficialSplit(classes=4, train_classes=3, train_images=6, test_images=2)
CHARACTERS = (
    "images_background/Latin/character01",
    "images_background/Latin/character02",
    "images_background/N_Ko/character01",
    "images_evaluation/Angelic/character01",
)


def drawing() -> bytes:
    """A black-and-white PNG of one bit a pixel, as the drawings are."""
    buffer = io.BytesIO()
    Image.new("1", (105, 105), 1).save(buffer, "PNG")
    return buffer.getvalue()


def layout(top: str = "") -> dict[str, bytes | None]:
    return {f"{top}{folder}/0001_{person:02d}.png": drawing() for folder in CHARACTERS for person in (1, 2)}


def test_characters_are_classes_and_the_alphabets_halves_the_split(write_files: Callable[..., Path]) -> None:
    files = layout() | {"images_background/Latin/notes.txt": b"a note"}
    with open_tree(write_files(files)) as tree:
        source = read_omniglot(tree, "", expected=TINY)
        assert open_picture(source.items[0].read()).size == (105, 105)
    assert source.classes == ("Latin 01", "Latin 02", "N Ko 01", "Angelic 01")
    assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [item.split for item in source.items] == ["train"] * 6 + ["test"] * 2


@pytest.mark.parametrize("top", ["", "omniglot-py/", "omniglot/python/"])
def test_incomplete_set_is_recognised_and_refused_with_both_counts(top: str, write_files: Callable[..., Path]) -> None:
    with (
        pytest.raises(DatasetError, match=r"Omniglot is not complete: expected 32,460 .*19,280.*13,180.*found 8 "),
        open_source(write_files(layout(top))),
    ):
        pytest.fail("accepted")


def test_missing_drawing_is_missed(write_files: Callable[..., Path]) -> None:
    files = layout()
    del files[f"{CHARACTERS[0]}/0001_01.png"]
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="expected 8 .*found 7 "):
        read_omniglot(tree, "", expected=TINY)


def test_one_half_alone_is_read_as_class_folders(write_files: Callable[..., Path]) -> None:
    files = {path: data for path, data in layout().items() if path.startswith("images_background")}
    files |= {"images_background/Greek/character01/0001_01.png": None}
    with open_source(write_files(files)) as source:
        assert source.classes == ("Greek", "Latin", "N_Ko")


def test_folders_of_a_similar_name_are_not_taken_for_a_half(write_files: Callable[..., Path]) -> None:
    folders = ("my_images_background", "my_images_evaluation", "others")
    with open_source(write_files({f"{folder}/1.png": drawing() for folder in folders})) as source:
        assert source.classes == folders


def test_official_counts_are_those_of_the_paper() -> None:
    assert (OFFICIAL.images, OFFICIAL.train_images, OFFICIAL.test_images) == (32_460, 964 * 20, 659 * 20)
    assert (OFFICIAL.classes, OFFICIAL.train_classes) == (1_623, 964)
