"""Folders on disk: links that stay inside are followed, all others are named."""

import os
from pathlib import Path

import pytest

from mlcore.datasets.folder_tree import folder_tree
from mlcore.errors import DatasetError


def files(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def link(place: Path, target: Path | str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def test_links_inside_are_followed_and_their_store_is_no_folder_of_its_own(tmp_path: Path) -> None:
    root = files(tmp_path / "set", "store/x.jpg", "store/deep/y.jpg", "c/z.jpg")
    link(root / "a/1.jpg", "../store/x.jpg")
    link(root / "b", "store/deep")
    tree = folder_tree(root)
    assert set(tree.sizes) == {"a/1.jpg", "b/y.jpg", "c/z.jpg"}
    assert tree.read("a/1.jpg") == b"store/x.jpg" and tree.read("b/y.jpg") == b"store/deep/y.jpg"
    assert tree.remarks == tree.skipped == ()


def test_folder_of_which_some_files_are_linked_keeps_them(tmp_path: Path) -> None:
    root = files(tmp_path / "set", "a/1.jpg", "a/2.jpg")
    link(root / "favourites/1.jpg", "../a/1.jpg")
    assert set(folder_tree(root).sizes) == {"a/1.jpg", "a/2.jpg", "favourites/1.jpg"}


def test_links_that_lead_out_are_counted_with_the_folder_to_import_instead(tmp_path: Path) -> None:
    files(tmp_path / "all", "store/x.jpg", "store/y.jpg", "set/c/z.jpg")
    root = tmp_path / "all/set"
    link(root / "a/1.jpg", "../../store/x.jpg")
    link(root / "b", tmp_path / "all/store")
    tree = folder_tree(root)
    assert set(tree.sizes) == {"c/z.jpg"}
    assert [path for path, _ in tree.skipped] == ["a/1.jpg", "b"]
    (remark,) = tree.remarks
    assert remark.startswith("2 links") and "import all/" in remark and str(tmp_path) not in remark


def test_links_in_circles_and_into_nothing_end(tmp_path: Path) -> None:
    root = files(tmp_path / "set", "a/1.jpg", "b/2.jpg")
    link(root / "a/top", "..")
    link(root / "a/b", "../b")
    link(root / "b/a", "../a")
    link(root / "self", "self")
    link(root / "gone", "nowhere.jpg")
    tree = folder_tree(root)
    assert len(tree.sizes) <= 4 and {path.split("/")[-1] for path in tree.sizes} == {"1.jpg", "2.jpg"}
    assert {"a/top", "self", "gone"} <= {path for path, _ in tree.skipped}


def test_many_links_to_each_other_are_entered_at_most_once_more(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(12)]
    root = files(tmp_path / "set", *(f"{name}/1.jpg" for name in names))
    for name in names:
        for other in set(names) - {name}:
            link(root / name / f"to-{other}", f"../{other}")
    assert len(folder_tree(root).sizes) <= 2 * len(names)


def test_file_that_is_replaced_by_a_link_later_is_not_read(tmp_path: Path) -> None:
    root = files(tmp_path / "set", "a/1.jpg", "b/2.jpg")
    secret = files(tmp_path / "secret", "1.jpg", "2.jpg")
    tree = folder_tree(root)
    (root / "a/1.jpg").unlink()
    link(root / "a/1.jpg", secret / "1.jpg")
    (root / "b").rename(tmp_path / "moved")
    link(root / "b", secret)
    for path in ("a/1.jpg", "b/2.jpg"):
        with pytest.raises(DatasetError, match="link"):
            tree.read(path)


def test_pipes_are_reported(tmp_path: Path) -> None:
    root = files(tmp_path / "set", "a/1.jpg")
    os.mkfifo(root / "a/pipe.jpg")
    assert folder_tree(root).skipped == (("a/pipe.jpg", "is a device or a pipe, not a file"),)


def test_files_of_systems_are_counted_with_all_that_lies_below(tmp_path: Path) -> None:
    root = files(tmp_path / "set", "a/1.jpg", "a/@eaDir/1.jpg/M.jpg", "a/@eaDir/1.jpg/XL.jpg", "a/Thumbs.db")
    tree = folder_tree(root)
    assert set(tree.sizes) == {"a/1.jpg"}
    assert "2 of @eaDir, 1 of Thumbs.db" in tree.remarks[0]


def test_names_of_255_bytes_and_of_no_encoding_are_read(tmp_path: Path) -> None:
    names = ["n" * 251 + ".jpg", "é" * 125 + ".jpeg", os.fsdecode(b"caf\xe9.jpg")]
    root = files(tmp_path / "set", "c/1.jpg")
    for name in names:
        (root / "c" / name).write_bytes(b"x")
    tree = folder_tree(root)
    assert [tree.read(f"c/{name}") for name in names] == [b"x"] * 3


def test_folder_that_cannot_be_listed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = files(tmp_path / "set", "a/1.jpg", "locked/2.jpg")
    scandir = os.scandir

    def refused(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("mlcore.datasets.folder_tree.os.scandir", refused)
    assert folder_tree(root).skipped == (("locked/", "cannot be listed: Permission denied"),)
