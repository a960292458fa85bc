"""Imports: everything readable, once, whole or not at all."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlcore.datasets import Source, SourceItem, import_pictures, load_dataset, open_source
from mlcore.errors import DatasetError, Stopped

MakeSource = Callable[..., Source]
MakeJpeg = Callable[..., bytes]


def test_import_keeps_bytes_sizes_and_order(four_classes: Source, tmp_path: Path) -> None:
    report = import_pictures(four_classes, tmp_path / "set")
    dataset = load_dataset(tmp_path / "set")
    assert (report.images, report.classes, report.train_images, report.test_images) == (12, 4, 6, 6)
    assert (report.train_classes, report.test_classes) == (2, 2)
    assert dataset.ids.tolist() == list(range(12))
    assert dataset.labels.tolist() == [label for label in range(4) for _ in range(3)]
    for item, picture in zip(four_classes.items, dataset.pictures, strict=True):
        data = dataset.picture_path(picture).read_bytes()
        assert data == item.read()
        assert picture.sha256 == hashlib.sha256(data).hexdigest()
        assert (picture.width, picture.height) == (24, 20)
    assert dataset.pictures[0].path == "kind_0/0.jpg"


def test_import_is_the_same_every_time(four_classes: Source, tmp_path: Path) -> None:
    for name in ("one", "two"):
        import_pictures(four_classes, tmp_path / name)
    for file in ("images.csv", "dataset.json", "report.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_report_is_stored_as_returned(four_classes: Source, tmp_path: Path) -> None:
    report = import_pictures(four_classes, tmp_path / "set")
    stored = json.loads((tmp_path / "set" / "report.json").read_text())
    assert stored == report.to_json()
    assert stored["images"] == 12


def test_stored_lists_are_cut_and_their_totals_kept(
    four_classes: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.datasets.import_report.LISTED", 3)
    strays = tuple((f"{number}.txt", "is not a picture: .txt") for number in range(5))
    report = import_pictures(replace(four_classes, broken=strays), tmp_path / "set")
    stored = json.loads((tmp_path / "set" / "report.json").read_text())
    assert len(report.skipped) == 5 and stored["skipped"] == [list(stray) for stray in strays[:3]]
    assert (stored["totals"]["skipped"], stored["totals"]["broken"], stored["totals"]["duplicates"]) == (5, 0, 0)


def test_broken_files_are_reported_and_stop_nothing(
    make_source: MakeSource, make_jpeg: MakeJpeg, tmp_path: Path
) -> None:
    whole = make_jpeg(0, 200, 200)
    pictures = {name: [make_jpeg(10 * n + k) for k in range(2)] for n, name in enumerate("abc", start=1)}
    pictures["b"] += [b"", b"text", whole[: len(whole) // 2]]
    source = replace(make_source(pictures, train=2), broken=(("notes.txt", "is not a picture: .txt"),))

    def gone() -> bytes:
        raise OSError("disk failure")

    source = replace(source, items=[*source.items, SourceItem("c/9.jpg", 2, "test", gone)])
    report = import_pictures(source, tmp_path / "set")
    assert report.images == 6
    assert [path for path, _ in report.broken] == ["b/2.jpg", "b/3.jpg", "b/4.jpg", "c/9.jpg"]
    assert report.skipped == (("notes.txt", "is not a picture: .txt"),)
    reasons = dict(report.broken)
    assert "empty" in reasons["b/2.jpg"]
    assert "not a picture" in reasons["b/3.jpg"]
    assert "damaged" in reasons["b/4.jpg"]
    assert reasons["c/9.jpg"] == "disk failure"
    assert len(list((tmp_path / "set" / "images").rglob("*.jpg"))) == 6


def test_doubles_are_kept_once_and_conflicts_kept_and_reported(
    make_source: MakeSource, make_jpeg: MakeJpeg, tmp_path: Path
) -> None:
    same = make_jpeg(99)
    source = make_source(
        {"a": [same, make_jpeg(1), same], "b": [make_jpeg(2), same], "c": [make_jpeg(3), make_jpeg(4)]}, train=2
    )
    report = import_pictures(source, tmp_path / "set")
    assert report.duplicates == (("a/2.jpg", "a/0.jpg"),)
    assert report.conflicting == (("b/1.jpg", "a/0.jpg"),)
    assert report.images == 6
    assert report.singleton_classes == ()


def test_query_that_is_also_in_its_gallery_is_kept(
    make_source: MakeSource, make_jpeg: MakeJpeg, tmp_path: Path
) -> None:
    same = make_jpeg(99)
    source = make_source(
        {"a": [make_jpeg(1)], "b": [make_jpeg(2)], "c": [same, same, same], "d": [make_jpeg(3)]}, train=2
    )
    splits = ("train", "train", "query", "gallery", "query", "query")
    items = [replace(item, split=split) for item, split in zip(source.items, splits, strict=True)]
    report = import_pictures(replace(source, items=items), tmp_path / "set")
    assert report.duplicates == (("c/2.jpg", "c/0.jpg"),)
    assert [picture.split for picture in load_dataset(tmp_path / "set").pictures][2:4] == ["query", "gallery"]
    assert (report.test_images, report.query_images) == (3, 2)
    assert report.singleton_classes == ("a", "b", "d"), "d has a query, and its gallery is empty"


def test_class_without_a_readable_picture_is_dropped_and_labels_close_up(
    make_source: MakeSource, make_jpeg: MakeJpeg, tmp_path: Path
) -> None:
    pictures = {name: [make_jpeg(10 * n + k) for k in range(2)] for n, name in enumerate("acd", start=1)}
    source = make_source({"a": pictures["a"], "b": [b"broken"], "c": pictures["c"], "d": pictures["d"]}, train=3)
    report = import_pictures(source, tmp_path / "set")
    dataset = load_dataset(tmp_path / "set")
    assert report.empty == ("b",)
    assert dataset.classes == ("a", "c", "d")
    assert dataset.labels.tolist() == [0, 0, 1, 1, 2, 2]


def test_set_that_falls_below_the_least_classes_leaves_no_folder(
    make_source: MakeSource, make_jpeg: MakeJpeg, tmp_path: Path
) -> None:
    source = make_source({"a": [make_jpeg(1)], "b": [b"broken"], "c": [make_jpeg(2)]}, train=2)
    with pytest.raises(DatasetError, match="1 training and 1 test classes"):
        import_pictures(source, tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_too_few_classes_are_refused_before_any_picture_is_read(tmp_path: Path) -> None:
    def never() -> bytes:
        raise AssertionError("was read")

    items = [SourceItem("a/1.jpg", 0, "train", never)]
    with pytest.raises(DatasetError, match="at least 2 and 1"):
        import_pictures(Source("one", "free", ("a",), items, "memory"), tmp_path / "set")


def test_existing_set_is_never_overwritten(four_classes: Source, tmp_path: Path) -> None:
    import_pictures(four_classes, tmp_path / "set")
    before = (tmp_path / "set" / "images.csv").read_bytes()
    with pytest.raises(DatasetError, match="set is already there"):
        import_pictures(four_classes, tmp_path / "set")
    assert (tmp_path / "set" / "images.csv").read_bytes() == before


def test_progress_counts_to_the_end_in_the_callers_thread(four_classes: Source, tmp_path: Path) -> None:
    heard = []

    def listen(phase: str, done: int, total: int) -> None:
        heard.append((phase, done, total, threading.current_thread() is threading.main_thread()))

    import_pictures(four_classes, tmp_path / "set", listen)
    assert heard == [("import", done, 12, True) for done in range(1, 13)]


def test_stopped_import_leaves_nothing(four_classes: Source, tmp_path: Path) -> None:
    def stop(phase: str, done: int, total: int) -> None:
        if done == 5:
            raise Stopped("asked to stop")

    with pytest.raises(Stopped):
        import_pictures(four_classes, tmp_path / "set", stop)
    assert list(tmp_path.iterdir()) == []


def test_hostile_names_become_plain_files_inside_the_set(make_jpeg: MakeJpeg, tmp_path: Path) -> None:
    paths = ["x/../../../evil.jpg", "x/.hidden.jpg", "x/page.html", "x/A.JPG", "x/y/a.jpg", "x/" + "n" * 300 + ".jpg"]
    paths += ["x/b.jpg", "x/B.JPG", b"x/caf\xe9.jpg".decode("utf-8", "surrogateescape")]
    classes = ("../up", "C/V: van", "c_v__van")
    items = [
        SourceItem(path, label, "train" if label < 2 else "test", lambda seed=10 * label + n: make_jpeg(seed))  # type: ignore[misc]
        for label in range(3)
        for n, path in enumerate(paths)
    ]
    report = import_pictures(Source("odd", "free", classes, items, "memory"), tmp_path / "set")
    dataset = load_dataset(tmp_path / "set")
    assert report.images == len(items)
    root = (tmp_path / "set" / "images").resolve()
    stored = [dataset.picture_path(picture).resolve() for picture in dataset.pictures]
    assert all(path.is_relative_to(root) and path.is_file() for path in stored)
    assert len({str(path).casefold() for path in stored}) == len(items)
    assert {path.suffix for path in stored} == {".jpg", ""}
    assert sorted(path.name for path in root.iterdir()) == ["C_V_van", "c_v__van", "up"]
    assert dataset.classes == classes


def test_imported_drawings_load_back(tmp_path: Path) -> None:
    with open_source("wings:species=4,per_class=2,size=32") as source:
        report = import_pictures(source, tmp_path / "wings")
    assert (report.images, report.broken) == (8, ())
    assert len(load_dataset(tmp_path / "wings").classes) == 4
