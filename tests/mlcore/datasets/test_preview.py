"""A preview says what an import would take, leave out and remark on, and decodes few pictures for it."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mlcore.datasets import Source, SourceItem
from mlcore.datasets import preview as previews
from mlcore.datasets.filetree import FileTree
from mlcore.datasets.layout_choices import LayoutChoices, LayoutOptions, Level
from mlcore.datasets.preview import LISTED_CLASSES, PICTURED_CLASSES, PICTURES_OF_A_CLASS, preview, preview_of
from mlcore.datasets.preview_pictures import CANDIDATES, SAMPLE, THUMBNAIL_SIDE
from mlcore.datasets.source import GALLERY, QUERY, TEST, TRAIN
from mlcore.datasets.tree_items import Block, TreeItems

Write = Callable[..., Path]
Make = Callable[..., Source]
Jpeg = Callable[..., bytes]


@pytest.fixture
def halves(write_files: Write) -> Path:
    """Return a download with train/ and test/, a text file and a damaged picture."""
    pictures = {
        f"{half}/{name}/{n}.jpg": None
        for half, names in (("train", "ab"), ("test", "cd"))
        for name in names
        for n in (1, 2, 10)
    }
    return write_files({**pictures, "train/a/3.jpg": b"no picture", "notes.txt": b"x", "more.txt": b"y"})


class Counted:
    """The reads of a source of many pictures, all alike."""

    def __init__(self, data: bytes) -> None:
        self.data, self.reads = data, 0

    def read(self) -> bytes:
        self.reads += 1
        return self.data

    def source(self, classes: int, each: int) -> Source:
        """Return a source of which the first half of the classes trains."""
        items = [
            SourceItem(f"{label}/{n}.jpg", label, TRAIN if label < classes // 2 else TEST, self.read)
            for label in range(classes)
            for n in range(each)
        ]
        return Source("many", "free", tuple(f"class {label}" for label in range(classes)), items, "memory")


def test_a_folder_with_halves_is_previewed(halves: Path) -> None:
    found = preview_of(halves)
    assert (found.reader, found.recognised_by, found.refusal) == ("folder", "one folder a class", "")
    assert found.counts == {
        "images": 13, "classes": 4, "train_images": 7, "test_images": 6, "train_classes": 2, "test_classes": 2,
        "query_images": 0,
    }  # fmt: skip
    listed = [(row.name, row.found_as, row.images, row.held_out) for row in found.first_classes]
    assert listed == [("a", "a", 4, 0), ("b", "b", 3, 0), ("c", "c", 3, 3), ("d", "d", 3, 3)]
    assert [(row.files, row.examples) for row in found.left_out] == [(2, ("more.txt", "notes.txt"))]
    assert found.left_out_files == 2
    assert [row.name for row in found.readers if row.recognises] == ["folder"]
    assert any("few pictures" in remark for remark in found.remarks)


def test_a_damaged_picture_is_not_shown_and_stops_nothing(halves: Path) -> None:
    first = preview_of(halves).first_classes[0]
    assert [picture.path for picture in first.pictures] == ["train/a/1.jpg", "train/a/2.jpg", "train/a/10.jpg"]
    with Image.open(io.BytesIO(first.pictures[0].thumbnail)) as thumbnail:
        assert thumbnail.format == "JPEG" and max(thumbnail.size) <= THUMBNAIL_SIDE


def test_it_is_plain_json_with_base64_thumbnails(halves: Path) -> None:
    values = json.loads(json.dumps(preview_of(halves, choices=LayoutChoices(class_names={"a": "Adonis"})).to_json()))
    assert values["choices"] == {"class_names": {"a": "Adonis"}}
    assert values["options"].keys() == {"chosen", "levels", "columns"}
    assert (values["images"], values["test_classes"], values["left_out_files"]) == (13, 2, 2)
    adonis = values["first_classes"][0]
    assert (adonis["name"], adonis["found_as"]) == ("Adonis", "a")
    assert base64.b64decode(adonis["pictures"][0]["thumbnail"]).startswith(b"\xff\xd8")


def test_what_a_reader_offers_is_shown(make_source: Make, make_jpeg: Jpeg) -> None:
    options = LayoutOptions(
        chosen=LayoutChoices(level=2), levels=(Level(1, 2, ("x", "y")), Level(2, 4, ("a", "b"))), columns=("id", "file")
    )
    source = replace(
        make_source({name: [make_jpeg(ord(name))] * 2 for name in "abcd"}, 2), options=options, remarks=("a remark",)
    )
    values = preview(source).to_json()
    assert values["options"]["chosen"] == {"level": 2}
    assert values["options"]["levels"][0] == {"number": 1, "classes": 2, "first": ["x", "y"]}
    assert values["options"]["columns"] == ["id", "file"]
    assert values["remarks"][0] == "a remark"


def test_the_classes_and_pictures_shown_are_bounded(make_jpeg: Jpeg) -> None:
    counted = Counted(make_jpeg(1))
    found = preview(counted.source(3 * LISTED_CLASSES, 20))
    assert len(found.first_classes) == LISTED_CLASSES
    assert found.counts["classes"] == 3 * LISTED_CLASSES
    assert sum(len(row.pictures) for row in found.first_classes) == PICTURED_CLASSES * PICTURES_OF_A_CLASS
    assert counted.reads <= PICTURED_CLASSES * PICTURES_OF_A_CLASS + 2 * SAMPLE


def test_many_reasons_are_counted_and_the_first_listed() -> None:
    broken = tuple((f"{n}.x", f"reason {n % 50}") for n in range(5000))
    found = preview(Source("none", "", (), (), "memory", broken, labelled=False))
    assert found.left_out_files == 5000 and len(found.left_out) == previews.LISTED_REASONS
    assert {row.files for row in found.left_out} == {100}
    assert found.left_out[0].examples == ("0.x", "50.x", "100.x", "150.x", "200.x")


def test_no_picture_is_decoded_after_the_time_for_it(make_jpeg: Jpeg, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.datasets.preview_pictures.MOST_SECONDS", 0.0)
    counted = Counted(make_jpeg(1))
    found = preview(counted.source(200, 20))
    assert found.counts["images"] == 4000
    assert counted.reads < 20


def test_of_a_million_pictures_a_part_is_looked_at(make_jpeg: Jpeg) -> None:
    looked: list[int] = []

    class Items(TreeItems):
        def _item(self, block: Block, path: str) -> SourceItem:
            looked.append(1)
            return super()._item(block, path)

    data = make_jpeg(1)
    tree = FileTree("many", "many", {}, lambda path: data)
    names = tuple(f"class {label}" for label in range(1000))
    blocks = [
        Block([f"{name}/{n}.jpg" for n in range(1000)], label, TRAIN if label < 500 else TEST)
        for label, name in enumerate(names)
    ]
    found = preview(Source("many", "free", names, Items(tree, blocks), "many"))
    assert (found.counts["images"], found.counts["classes"], found.counts["test_images"]) == (10**6, 1000, 500_000)
    assert len(looked) < 1.2 * CANDIDATES


# --- near-duplicates


def test_near_duplicates_across_the_split_are_found(write_files: Write, make_jpeg: Jpeg) -> None:
    image = Image.open(io.BytesIO(make_jpeg(5, 200, 160)))
    again = io.BytesIO()
    image.resize((100, 80)).save(again, "JPEG", quality=60)
    folder = write_files(
        {
            "train/a/1.jpg": make_jpeg(5, 200, 160), "train/a/2.jpg": make_jpeg(1, 200, 160),
            "train/b/1.jpg": make_jpeg(2, 200, 160), "test/c/1.jpg": again.getvalue(),
            "test/d/1.jpg": make_jpeg(3, 200, 160), "train/b/5.jpg": make_jpeg(5, 200, 160),
        }
    )  # fmt: skip
    found = preview_of(folder, thumbnails=False).near_duplicates
    assert (found.held_out, found.trained) == (2, 4)
    assert set(found.pairs) == {("test/c/1.jpg", "train/a/1.jpg"), ("test/c/1.jpg", "train/b/5.jpg")}


def test_files_of_one_size_are_compared_first(make_jpeg: Jpeg) -> None:
    def item(path: str, seed: int, split: str) -> SourceItem:
        return SourceItem(path, 0 if split == TRAIN else 1, split, lambda: make_jpeg(seed))

    trained = [item(f"a/{n}.jpg", 2 * n, TRAIN) for n in range(2000)]
    held_out = [item(f"b/{n}.jpg", 2 * n + 1, TEST) for n in range(2000)]
    held_out[1777] = item("b/1777.jpg", 2 * 1313, TEST)
    sizes = {one.path: 1000 + n for n, one in enumerate([*trained, *held_out])}
    sizes["b/1777.jpg"] = sizes["a/1313.jpg"]
    found = preview(Source("set", "", ("a", "b"), [*trained, *held_out], "memory"), sizes=sizes, thumbnails=False)
    assert found.near_duplicates.pairs == (("b/1777.jpg", "a/1313.jpg"),)
    assert (found.near_duplicates.held_out, found.near_duplicates.trained) == (SAMPLE, SAMPLE)


def test_queries_are_not_compared_with_their_own_gallery(make_jpeg: Jpeg) -> None:
    items = [SourceItem(f"{n}.jpg", n // 2, split, lambda: make_jpeg(1)) for n, split in enumerate((QUERY, GALLERY))]
    assert preview(Source("set", "", ("a",), items, "memory")).near_duplicates.pairs == ()


# --- refusals


def test_choices_that_cannot_be_read_are_a_refusal_with_what_could_be_chosen(halves: Path) -> None:
    found = preview_of(halves, choices=LayoutChoices(reader="cub200"))
    assert "CUB" in found.refusal and found.first_classes == () and found.counts == {}
    assert {"folder", "cub200"} <= {row.name for row in found.readers}
    assert [row.name for row in found.readers if row.recognises] == ["folder"]


def test_too_few_classes_are_a_refusal(write_files: Write) -> None:
    found = preview_of(write_files({"a/1.jpg": None, "b/1.jpg": None}))
    assert "2 classes" in found.refusal


def test_splits_that_the_import_refuses_are_shown_with_the_refusal(make_source: Make, make_jpeg: Jpeg) -> None:
    source = make_source({name: [make_jpeg(ord(name))] for name in "abc"}, 3)
    found = preview(source)
    assert "0 test classes" in found.refusal and len(found.first_classes) == 3


@pytest.mark.parametrize("name", ["nothing", "letter.zip", "half.zip"])
def test_what_is_no_data_set_is_a_refusal(name: str, tmp_path: Path) -> None:
    (tmp_path / "letter.zip").write_bytes(b"Dear reader")
    (tmp_path / "half.zip").write_bytes(b"PK\x03\x04" + b"\0" * 40)
    found = preview_of(tmp_path / name)
    assert name in found.refusal and found.reader == ""
    assert "folder" in {row.name for row in found.readers}


def test_a_choice_for_drawn_butterflies_is_a_refusal() -> None:
    assert "level" in preview_of("wings", choices=LayoutChoices(level=2)).refusal
    found = preview_of("wings:species=6,per_class=2,size=32")
    assert (found.reader, found.counts["images"], found.refusal) == ("butterflies", 12, "")


def test_without_labels_there_is_no_split_to_remark_on(halves: Path) -> None:
    found = preview_of(halves, labelled=False)
    assert (found.counts["images"], found.counts["classes"], found.refusal) == (13, 1, "")
    assert found.near_duplicates.held_out == 0 and not found.labelled and found.remarks == ()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the names of readers that are asked whether they recognise the files."""
    asked: list[str] = []
    plain = previews.recognised
    monkeypatch.setattr(previews, "recognised", lambda tree: asked.append(tree.name) or plain(tree))
    yield asked


def test_each_reader_is_asked_once(halves: Path, reads: list[str]) -> None:
    preview_of(halves)
    assert reads == ["set"]


def test_a_table_with_unclear_columns_is_refused_and_offers_them(write_files: Callable[..., Path]) -> None:
    files: dict[str, bytes | None] = {f"{number}.jpg": None for number in range(3)}
    where = write_files(files | {"labels.csv": b"file,colour,shape\n0.jpg,red,x\n1.jpg,red,y\n2.jpg,red,z\n"})
    preview = preview_of(where)
    assert "label_column" in preview.refusal and preview.options.columns == ("file", "colour", "shape")
    assert preview_of(where, choices=LayoutChoices(label_column="shape")).counts["classes"] == 3


def test_names_of_a_clear_form_are_refused_and_offer_their_pattern(write_files: Callable[..., Path]) -> None:
    where = write_files({f"{name}.{number}.jpg": None for name in ("cat", "dog", "fox") for number in range(3)})
    chosen = preview_of(where).options.chosen
    assert chosen.reader == "file_names" and preview_of(where, choices=chosen).counts["classes"] == 3
