"""In-Shop Clothes: items parted into training, queries and gallery."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import import_pictures, load_dataset, open_source
from mlcore.datasets.archives import open_tree
from mlcore.datasets.readers.inshop import OFFICIAL, read_inshop
from mlcore.datasets.source import OfficialSplit
from mlcore.errors import DatasetError

TINY = OfficialSplit(classes=4, train_classes=2, train_images=4, test_images=5, query_images=2)
ROWS = (
    ("MEN/Denim/id_00000080/01_1_front.jpg", "query"),
    ("MEN/Denim/id_00000080/01_2_side.jpg", "gallery"),
    ("MEN/Denim/id_00000080/01_7_additional.jpg", "gallery"),
    ("WOMEN/Tees_Tanks/id_00000007/01_1_front.jpg", "train"),
    ("WOMEN/Tees_Tanks/id_00000007/02_1_front.jpg", "train"),
    ("WOMEN/Dresses/id_00000002/02_1_front.jpg", "train"),
    ("WOMEN/Dresses/id_00000002/02_2_side.jpg", "train"),
    ("WOMEN/Skirts/id_00000003/02_1_front.jpg", "query"),
    ("WOMEN/Skirts/id_00000003/02_2_side.jpg", "gallery"),
)
HEADER = "9\nimage_name item_id evaluation_status\n"


def partition() -> bytes:
    lines = (f"img/{path}   {path.split('/')[2]}      {split}\n" for path, split in ROWS)
    return (HEADER + "".join(lines)).encode()


def layout(top: str = "", pictures: str = "img/") -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = {f"{top}{pictures}{path}": None for path, _ in ROWS}
    return files | {f"{top}Eval/list_eval_partition.txt": partition()}


@pytest.mark.parametrize("pictures", ["img/", "Img/img/"])
def test_items_are_classes_and_keep_their_parts(pictures: str, write_files: Callable[..., Path]) -> None:
    with open_tree(write_files(layout(pictures=pictures))) as tree:
        source = read_inshop(tree, "", expected=TINY)
        assert source.items[0].read().startswith(b"\xff\xd8")
    assert source.classes == ("MEN Denim 00000080", "WOMEN Tees Tanks 00000007", "WOMEN Dresses 00000002") + (
        "WOMEN Skirts 00000003",
    )
    assert [item.label for item in source.items] == [0, 0, 0, 1, 1, 2, 2, 3, 3]
    assert [item.split for item in source.items] == [split for _, split in ROWS]


def test_imported_set_knows_its_queries_and_their_gallery(write_files: Callable[..., Path], tmp_path: Path) -> None:
    with open_tree(write_files(layout())) as tree:
        report = import_pictures(read_inshop(tree, "", expected=TINY), tmp_path / "clothes")
    dataset = load_dataset(tmp_path / "clothes")
    assert (report.train_images, report.test_images, report.query_images) == (4, 5, 2)
    assert (report.train_classes, report.test_classes, report.singleton_classes) == (2, 2, ())
    assert dataset.ks == (1, 10, 20, 30, 40)
    is_query = dataset.is_query(dataset.held_out)
    assert is_query is not None and is_query.tolist() == [True, False, False, True, False]


@pytest.mark.parametrize("top", ["", "In-shop Clothes Retrieval Benchmark/", "DeepFashion/In-shop/"])
def test_incomplete_set_is_recognised_and_refused_with_all_counts(top: str, write_files: Callable[..., Path]) -> None:
    with (
        pytest.raises(
            DatasetError, match=r"Clothes is not complete: expected 52,712 .*14,218 of them q.*found 9 .*, 2 of"
        ),
        open_source(write_files(layout(top))),
    ):
        pytest.fail("accepted")


def test_missing_query_is_missed(write_files: Callable[..., Path]) -> None:
    files = layout()
    del files[f"img/{ROWS[0][0]}"]
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match="2 of them queries.* 1 of them"):
        read_inshop(tree, "", expected=TINY)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("img/a/b/id_1/1.jpg id_1\n", "line 3 should hold 3 words, has 2"),
        ("img/a/b/id_1/1.jpg id_1 val\n", "line 3 has status 'val'; known: train, query, gallery"),
    ],
)
def test_damaged_list_is_named(line: str, sentence: str, write_files: Callable[..., Path]) -> None:
    files = layout() | {"Eval/list_eval_partition.txt": (HEADER + line).encode()}
    with open_tree(write_files(files)) as tree, pytest.raises(DatasetError, match=sentence):
        read_inshop(tree, "", expected=TINY)


@pytest.mark.parametrize("text", [b"", b"3\nimage_name evaluation_status\nimg/1.jpg train\n", b"000001.jpg 0\n"])
def test_lists_of_other_sets_leave_class_folders(text: bytes, write_files: Callable[..., Path]) -> None:
    files: dict[str, bytes | None] = {f"{name}/1.jpg": None for name in "abc"}
    with open_source(write_files(files | {"Eval/list_eval_partition.txt": text})) as source:
        assert source.classes == ("a", "b", "c")


def test_official_counts_are_those_of_the_paper() -> None:
    assert (OFFICIAL.train_images, OFFICIAL.query_images) == (25_882, 14_218)
    assert OFFICIAL.test_images - OFFICIAL.query_images == 12_612
    assert (OFFICIAL.train_classes, OFFICIAL.classes - OFFICIAL.train_classes) == (3_997, 3_985)
