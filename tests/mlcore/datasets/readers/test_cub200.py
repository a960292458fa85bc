"""CUB-200-2011: the original layout, split by class, complete or refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.cub200 import OFFICIAL, read_cub200
from mlcore.datasets.source import OfficialSplit
from mlcore.errors import DatasetError

TINY = OfficialSplit(classes=4, train_classes=2, train_images=4, test_images=4)
FOLDERS = ("001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross", "004.Groove_billed_Ani")


def layout(top: str = "CUB_200_2011/") -> dict[str, bytes | None]:
    paths = [f"{folder}/bird_{number}.jpg" for folder in FOLDERS for number in (2, 10)]
    lines = "".join(f"{image} {path}\n" for image, path in enumerate(paths, start=1))
    labels = "".join(f"{image} {1 + (image - 1) // 2}\n" for image in range(1, 9))
    lists = {f"{top}images.txt": lines.encode(), f"{top}image_class_labels.txt": labels.encode()}
    return {f"{top}images/{path}": None for path in paths} | lists | {"attributes.txt": b"1 has_bill"}


def test_labels_start_at_zero_and_the_first_half_of_classes_trains(write_files: Callable[..., Path]) -> None:
    with open_tree(write_files(layout())) as tree:
        source = read_cub200(tree, "CUB_200_2011/", expected=TINY)
        assert source.items[0].read().startswith(b"\xff\xd8")
    assert source.ks == (1, 2, 4, 8)
    assert source.classes == ("Black footed Albatross", "Laysan Albatross", "Sooty Albatross", "Groove billed Ani")
    assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 4
    assert source.items[0].path.endswith("bird_2.jpg")


@pytest.mark.parametrize("top", ["", "CUB_200_2011/"])
def test_incomplete_set_is_recognised_and_refused_with_both_counts(top: str, write_files: Callable[..., Path]) -> None:
    with (
        pytest.raises(DatasetError, match=r"CUB-200-2011 is not complete: expected 11,788 .*5,864.*5,924.*found 8 "),
        open_source(write_files(layout(top))),
    ):
        pytest.fail("accepted")


def test_missing_picture_is_missed(write_files: Callable[..., Path]) -> None:
    files = layout()
    del files[f"CUB_200_2011/images/{FOLDERS[0]}/bird_2.jpg"]
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="expected 8 .*found 7 "):
        read_cub200(tree, "CUB_200_2011/", expected=TINY)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("images.txt", b"1 a b c\n", "line 1 should hold 2 words, has 4"),
        ("image_class_labels.txt", b"1 one\n", "no class number for image 1"),
        ("image_class_labels.txt", b"1 1\n", "no class number for image 2"),
    ],
)
def test_damaged_list_is_named(name: str, text: bytes, sentence: str, write_files: Callable[..., Path]) -> None:
    files = layout() | {f"CUB_200_2011/{name}": text}
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match=sentence):
        read_cub200(tree, "CUB_200_2011/", expected=TINY)


def test_class_numbers_with_a_gap_are_refused(write_files: Callable[..., Path]) -> None:
    labels = "".join(f"{image} {(1, 1, 2, 2, 3, 3, 9, 9)[image - 1]}\n" for image in range(1, 9))
    files = layout() | {"CUB_200_2011/image_class_labels.txt": labels.encode()}
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="without a gap"):
        read_cub200(tree, "CUB_200_2011/", expected=TINY)


def test_official_counts_are_those_of_the_papers() -> None:
    assert (OFFICIAL.images, OFFICIAL.train_images, OFFICIAL.test_images) == (11_788, 5_864, 5_924)
    assert (OFFICIAL.classes, OFFICIAL.train_classes) == (200, 100)


def test_lists_beat_class_folders_only_together(write_files: Callable[..., Path]) -> None:
    files: dict[str, bytes | None] = {f"{name}/1.jpg": None for name in "abc"}
    with open_source(write_files(files | {"image_class_labels.txt": b"1 1\n"})) as source:
        assert source.classes == ("a", "b", "c")
