"""Folders of a tree of files, found once for all readers."""

from mlcore.datasets.filetree import FileTree


def tree(*paths: str) -> FileTree:
    return FileTree("set", "set", dict.fromkeys(paths, 1), lambda path: b"x")


def test_files_are_listed_by_the_folder_that_holds_them() -> None:
    assert tree("a/1", "a/2", "b/c/3", "4").by_folder == {"a/": ["a/1", "a/2"], "b/c/": ["b/c/3"], "": ["4"]}


def test_folders_of_folders_are_folders_too() -> None:
    assert tree("a/b/c/1", "a/d/2").folders == {"", "a/", "a/b/", "a/b/c/", "a/d/"}
    assert tree().folders == {""}
