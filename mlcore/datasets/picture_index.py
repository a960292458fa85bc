"""The search for pictures of a tree by the names that other files give them.

A file of labels was often written elsewhere: its paths begin at another folder, lack the file's ending, or have
backslashes. What it names is only ever looked up among the pictures of the tree, so no path leads out of it.
"""

import posixpath
import re
import unicodedata
from collections.abc import Callable, Sequence

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.readers.folder import PICTURE_SUFFIXES, may_be_picture
from mlcore.datasets.split_words import split_in_name

NOT_THERE = "is listed and not there"
OUTSIDE = "is a path that leaves the data set"
_IMAGE_FOLDERS = frozenset({"images", "image", "imgs", "img", "pictures", "photos", "jpegimages", "jpg"})
_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]|\\")
_LONGEST_NAME = 4_096  # that of a path on the usual systems


class PictureIndex:
    """The pictures of a tree by their file name, with or without its ending, whatever its case and Unicode form.

    paths: of all pictures.
    """

    def __init__(self, tree: FileTree) -> None:
        self.paths = [path for path in tree.sizes if may_be_picture(path)]
        self._known = set(self.paths)
        self._folders: set[str] = set()
        self._by_stem: dict[str, str | list[str]] = {}
        for path in self.paths:
            folders, _, name = path.rpartition("/")
            self._folders.add(folders)
            stem = _stem(_key(name))
            first = self._by_stem.setdefault(stem, path)
            if isinstance(first, list):
                first.append(path)
            elif first is not path:
                self._by_stem[stem] = [first, path]
        self._folders = {_key(folder.rpartition("/")[2]) for folder in self._folders}

    def find(self, name: str, *, folder: str = "", split: str = "") -> tuple[str, str]:
        """Return the path of the picture that `name` means, or "" and the reason why there is none.

        Args:
            name: a path from `folder` or from anywhere above or below it, or a file name; its ending may be missing.
            folder: that of the file which names it, "" or ending in "/".
            split: the split that this file states; among several pictures of one name, it prefers those
                in a folder of that split.
        """
        if not name or len(name) > _LONGEST_NAME:
            return "", NOT_THERE if name else "names no file"
        if folder + name in self._known:
            return folder + name, ""
        only = self._by_stem.get(_stem(_key(name)))  # most tables hold plain names, each of one picture
        if isinstance(only, str) and only.rpartition("/")[2] == name:
            return only, ""
        plain = posixpath.normpath(name.replace("\\", "/"))
        beside = posixpath.normpath(folder + plain)
        if "\0" in name or _ABSOLUTE.match(name) or beside.split("/")[0] == "..":
            return "", OUTSIDE
        if beside in self._known:
            return beside, ""
        wanted = _key(re.sub(r"^(\.\./)+", "", plain))
        paths = [path for path in self._of_stem(wanted) if _fits(_key(path), wanted)]
        if len(paths) > 1:
            paths = _preferred(paths, wanted, folder, split)
        if len(paths) > 1:
            return "", f"is the name of {len(paths):,} pictures"
        if not paths or not self._may_have_moved(_key(paths[0]), wanted):
            return "", NOT_THERE
        return paths[0], ""

    def _of_stem(self, wanted: str) -> Sequence[str]:
        paths = self._by_stem.get(_stem(wanted.rpartition("/")[2]), [])
        return [paths] if isinstance(paths, str) else paths

    def _may_have_moved(self, path: str, wanted: str) -> bool:
        """Say whether a path may be what is wanted although its folder is another.

        It may not where the wanted folder is there, but without the picture.
        """
        if "/" not in wanted:
            return True
        folder = posixpath.basename(posixpath.dirname(wanted))
        return folder == posixpath.basename(posixpath.dirname(path)) or folder not in self._folders


def _key(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def _stem(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if stem and f"{dot}{suffix}" in PICTURE_SUFFIXES else name


def _fits(path: str, wanted: str) -> bool:
    """Say whether the endings agree, where the wanted file has one."""
    name = wanted.rpartition("/")[2]
    return name in (path.rpartition("/")[2], _stem(path.rpartition("/")[2]))


def _preferred(paths: list[str], wanted: str, folder: str, split: str) -> list[str]:
    """Return the best of several paths: all that are equally good."""
    criteria: tuple[Callable[[str], bool], ...] = (
        lambda path: _stem(f"/{_key(path)}").endswith(f"/{_stem(wanted)}"),
        lambda path: path.startswith(folder),
        lambda path: any(split_in_name(part) == split for part in path.split("/")[:-1]),
        lambda path: any(part in _IMAGE_FOLDERS for part in _key(path).split("/")[:-1]),
    )
    for criterion in criteria:
        if len(paths) > 1:
            paths = [path for path in paths if criterion(path)] or paths
    return paths
