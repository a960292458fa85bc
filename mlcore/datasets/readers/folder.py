"""One folder a class: the layout that people make by hand, with or without train/ and test/."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.source import GALLERY, TEST, TRAIN, Source, SourceItem, natural_key, path_key, printable
from mlcore.datasets.splits import class_disjoint
from mlcore.errors import DatasetError
from mlcore.images.image_io import MAX_BYTES

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp", ".tif", ".tiff"}
)
UNLABELLED = "unlabelled"
_VALIDATION = frozenset({"val", "valid", "validation"})
_SPLIT_FOLDERS = frozenset({"train", "test"}) | _VALIDATION


@dataclass(frozen=True)
class _Placed:
    """A picture with what its folders say; `split_folder` is "" where there is none."""

    path: str
    class_name: str
    split_folder: str


def read_folder(tree: FileTree, top: str = "", choices: LayoutChoices = NO_CHOICES) -> Source:
    """Return the source in which every picture's class is the name of its folder.

    A folder that holds all the others is stepped into. Above class folders, train/ and
    test/ are taken for the split where no class lies in both; otherwise, as where there
    are none, the first half of the classes trains.

    Raises:
        DatasetError: no picture lies in a class folder, or there are too few classes.
    """
    choices.refuse_others("A folder for each class", "split", "class_names")
    return _source_of_classes(tree, _split_of_classes, labelled=True)


def read_classes(tree: FileTree) -> Source:
    """Return the source in which every picture's class is the name of its folder, of any number, without a split.

    They are for a data set that has splits already.

    Raises:
        DatasetError: no picture lies in a class folder.
    """
    return _source_of_classes(tree, lambda placed, classes: dict.fromkeys(classes, GALLERY), labelled=False)


def read_flat(tree: FileTree) -> Source:
    """Return the source of pictures whose folders say nothing: one class, only to be found.

    Raises:
        DatasetError: there is no picture.
    """
    paths = sorted(tree.sizes, key=path_key)
    strays = [(path, f"is not a picture: {_suffix(path)}") for path in paths if not may_be_picture(path)]
    items = [
        SourceItem(path=path, label=0, split=GALLERY, read=functools.partial(tree.read, path, MAX_BYTES))
        for path in paths
        if may_be_picture(path)
    ]
    if not items:
        raise DatasetError(f"{tree.name} has no pictures")
    broken = (*tree.skipped, *strays)
    return Source(tree.name, "not stated", (UNLABELLED,), items, tree.origin, broken, labelled=False)


SplitOfClasses = Callable[[Sequence["_Placed"], Sequence[str]], dict[str, str]]


def _source_of_classes(tree: FileTree, splits: SplitOfClasses, *, labelled: bool) -> Source:
    placed, strays = _place_pictures(tree)
    if not placed:
        raise DatasetError(f"{tree.name} has no pictures in class folders; give each class a folder of its own")
    classes = tuple(sorted({picture.class_name for picture in placed}, key=natural_key))
    split_of = splits(placed, classes)
    label_of = {name: label for label, name in enumerate(classes)}
    items = [
        SourceItem(
            path=picture.path,
            label=label_of[picture.class_name],
            split=split_of[picture.class_name],
            read=functools.partial(tree.read, picture.path, MAX_BYTES),
        )
        for picture in placed
    ]
    items.sort(key=lambda item: (item.label, path_key(item.path)))
    names = tuple(printable(name) for name in classes)
    return Source(tree.name, "not stated", names, items, tree.origin, (*tree.skipped, *strays), labelled=labelled)


def _place_pictures(tree: FileTree) -> tuple[list[_Placed], list[tuple[str, str]]]:
    """Return the pictures found in class folders, and (path, reason) of all other files."""
    paths = sorted(tree.sizes, key=path_key)
    strays = [(path, f"is not a picture: {_suffix(path)}") for path in paths if not may_be_picture(path)]
    pictures = [path for path in paths if may_be_picture(path)]
    top = _common_top(pictures)
    inside = [path[len(top) :].split("/") for path in pictures if path.startswith(top)]
    has_split_folders = _are_split_folders(inside)
    placed = []
    for path in pictures:
        parts = path[len(top) :].split("/") if path.startswith(top) else [path]
        split_folder = parts.pop(0).casefold() if has_split_folders and len(parts) > 1 else ""
        if len(parts) >= 2:
            placed.append(_Placed(path, parts[0], split_folder))
        else:
            strays.append((path, "lies in no class folder"))
    return placed, strays


def _common_top(pictures: Sequence[str]) -> str:
    """Return the folders, ending in "/", that lie above every class folder; "" when none."""
    top = ""
    while True:
        deeper = [path[len(top) :].split("/") for path in pictures if path.startswith(top)]
        firsts = {parts[0] for parts in deeper if len(parts) > 1}
        if len(firsts) != 1 or not any(len(parts) > 2 for parts in deeper):
            return top
        top += firsts.pop() + "/"


def _are_split_folders(inside: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first folders are train, test and the like, with class folders below."""
    folders = [parts for parts in inside if len(parts) > 1]
    return bool(folders) and all(parts[0].casefold() in _SPLIT_FOLDERS and len(parts) > 2 for parts in folders)


def _split_of_classes(placed: Sequence[_Placed], classes: Sequence[str]) -> dict[str, str]:
    """Return the split of each class: of its folder where folders are class-disjoint, else by its order."""
    folders: dict[str, set[str]] = {}
    for picture in placed:
        folders.setdefault(picture.class_name, set()).add(picture.split_folder)
    has_test = any("test" in names for names in folders.values())
    testing = {"test"} if has_test else _VALIDATION
    split_of = {name: {TEST if folder in testing else TRAIN for folder in folders[name]} for name in classes}
    is_named = all(len(splits) == 1 for splits in split_of.values()) and len(set().union(*split_of.values())) == 2
    if is_named:
        return {name: splits.pop() for name, splits in split_of.items()}
    return dict(zip(classes, class_disjoint(len(classes)), strict=True))


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.casefold()


def may_be_picture(path: str) -> bool:
    """Tell by the name whether a file is worth opening; a name without a suffix gets the benefit of the doubt."""
    return _suffix(path) in PICTURE_SUFFIXES or not _suffix(path)


READER = LayoutReader(
    title="Anything else",
    recognised_by="one folder a class",
    also_needed="optional `train/` and `test/` above the class folders",
    training="the first half of the classes, or `train/`",
    held_out="the rest, or `test/`",
    precedence=Precedence.FOLDERS,
    find=lambda tree: "",
    read=read_folder,
)
