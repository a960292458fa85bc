"""Stanford Online Products: two lists, split by product, complete or refused."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mlcore.datasets import import_pictures, layout_detection, open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.reader_table import as_published
from mlcore.datasets.readers.online_products import OFFICIAL, READER, read_online_products
from mlcore.datasets.source import OfficialSplit
from mlcore.errors import DatasetError

TINY = OfficialSplit(classes=4, train_classes=2, train_images=4, test_images=4)
HEADER = "image_id class_id super_class_id path\n"
KINDS = ("bicycle", "bicycle", "coffee_maker", "coffee_maker")


def layout(top: str = "Stanford_Online_Products/") -> dict[str, bytes | None]:
    lines = [
        f"{2 * product + photo + 1} {product + 1} 1 {kind}_final/{product}_{photo}.JPG\n"
        for product, kind in enumerate(KINDS)
        for photo in range(2)
    ]
    pictures: dict[str, bytes | None] = {f"{top}{line.split()[3]}": None for line in lines}
    lists = {"train": lines[:4], "test": lines[4:]}
    return pictures | {f"{top}Ebay_{name}.txt": (HEADER + "".join(rows)).encode() for name, rows in lists.items()}


def test_each_product_is_a_class_and_the_lists_give_the_split(write_files: Callable[..., Path]) -> None:
    with open_tree(write_files(layout())) as tree:
        source = read_online_products(tree, "Stanford_Online_Products/", expected=TINY)
        assert source.items[0].read().startswith(b"\xff\xd8")
    assert source.ks == (1, 10, 100, 1000)
    assert source.classes == ("bicycle 1", "bicycle 2", "coffee maker 3", "coffee maker 4")
    assert [item.label for item in source.items] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [item.split for item in source.items] == ["train"] * 4 + ["test"] * 4


@pytest.mark.parametrize("top", ["", "Stanford_Online_Products/"])
def test_incomplete_set_is_recognised_and_refused_with_both_counts(top: str, write_files: Callable[..., Path]) -> None:
    with (
        pytest.raises(DatasetError, match=r"Online Products is not complete: .*120,053 .*59,551.*60,502.*found 8 "),
        open_source(write_files(layout(top))),
    ):
        pytest.fail("accepted")


def test_missing_picture_is_missed(write_files: Callable[..., Path]) -> None:
    files = layout("")
    del files["bicycle_final/0_0.JPG"]
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="expected 8 .*found 7 "):
        read_online_products(tree, "", expected=TINY)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"1 1 bicycle_final/0_0.JPG\n", "Ebay_train.txt line 2 should hold 4 words, has 3"),
        (b"1 one 1 bicycle_final/0_0.JPG\n", "Ebay_train.txt line 2 gives no class number: 'one'"),
    ],
)
def test_damaged_list_is_named(line: bytes, sentence: str, write_files: Callable[..., Path]) -> None:
    files = layout("") | {"Ebay_train.txt": HEADER.encode() + line}
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match=sentence):
        read_online_products(tree, "", expected=TINY)


def test_official_counts_are_those_of_the_paper() -> None:
    assert (OFFICIAL.images, OFFICIAL.train_images, OFFICIAL.test_images) == (120_053, 59_551, 60_502)
    assert (OFFICIAL.train_classes, OFFICIAL.classes - OFFICIAL.train_classes) == (11_318, 11_316)


def test_archive_with_another_hash_is_taken_with_a_remark(
    write_files: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(READER, read=as_published(READER.title, partial(read_online_products, expected=TINY)))
    monkeypatch.setattr(layout_detection, "known_readers", lambda: (tiny,))
    folder = write_files(layout())
    with open_source(folder) as source:
        assert source.remarks == ()
    with open_source(shutil.make_archive(str(folder), "zip", folder)) as source:
        report = import_pictures(source, tmp_path / "imported")
    remark = report.remarks[0]
    assert remark.startswith("not the published Stanford_Online_Products.zip: the MD5 is ")
    assert report.to_json()["remarks"] == list(report.remarks)
