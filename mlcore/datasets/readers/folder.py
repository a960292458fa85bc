"""One folder a class: the layout that people make by hand, with or without train/ and test/."""

import functools
from collections.abc import Callable, Mapping

from mlcore.datasets.class_folders import FolderClass, arrange_folders
from mlcore.datasets.filetree import FileTree
from mlcore.datasets.folder_remarks import remarks_on_folders
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices, LayoutOptions
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.source import GALLERY, TEST, TRAIN, Source, SourceItem, natural_key, path_key, printable
from mlcore.datasets.split_folders import Half
from mlcore.datasets.splits import class_disjoint
from mlcore.errors import DatasetError
from mlcore.images.image_io import MAX_BYTES

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".gif", ".bmp", ".tif", ".tiff"}
)
UNLABELLED = "unlabelled"


def read_folder(tree: FileTree, top: str = "", choices: LayoutChoices = NO_CHOICES) -> Source:
    """Return the source in which every picture's class is the name of its folder.

    A folder that holds all the others is stepped into. Above class folders, train/ and test/ under any usual name
    are taken for the split where no class lies in both; otherwise, as where there are none, the first half of the
    classes trains. Of class folders in folders, the deepest name the classes where all lie as deep.

    Raises:
        DatasetError: no picture lies in a class folder, or there are too few classes.
    """
    choices.refuse_others("A folder for each class", "split", "class_names", "level")
    return _source_of_classes(tree, _split_of_classes, choices.level, labelled=True)


def read_classes(tree: FileTree) -> Source:
    """Return the source in which every picture's class is the name of its folder, of any number, without a split.

    They are for a data set that has splits already.

    Raises:
        DatasetError: no picture lies in a class folder.
    """
    return _source_of_classes(tree, _without_split, 0, labelled=False)


def read_flat(tree: FileTree) -> Source:
    """Return the source of pictures whose folders say nothing: one class, only to be found.

    Raises:
        DatasetError: there is no picture.
    """
    names, strays = _pictures_by_folder(tree)
    paths = [f"{folder}{name}" for folder, files in names.items() for name in files]
    items = _items(tree, paths, 0, GALLERY)
    if not items:
        raise DatasetError(f"{tree.name} has no pictures")
    return Source(tree.name, "not stated", (UNLABELLED,), items, tree.origin, (*tree.skipped, *strays), labelled=False)


SplitOfClasses = Callable[[Mapping[str, set[Half | None]]], dict[str, str]]
"""The split of each class, in their order, by the halves that its pictures lie in."""


def _source_of_classes(tree: FileTree, splits: SplitOfClasses, level: int, *, labelled: bool) -> Source:
    names, broken = _pictures_by_folder(tree)
    counts = {folder.rstrip("/"): len(files) for folder, files in names.items()}
    found = arrange_folders(counts, level, flat_halves=not labelled)
    if not found.classes:
        raise DatasetError(f"{tree.name} has no pictures in class folders; give each class a folder of its own")
    for folder, reason in found.left_out.items():
        broken += [(f"{folder}/{name}".lstrip("/"), reason) for name in names[f"{folder}/" if folder else ""]]
    paths: dict[str, list[str]] = {}
    for folder, place in found.classes.items():
        paths.setdefault(place.name, []).extend(f"{folder}/{name}" for name in names[f"{folder}/"])
    classes = tuple(sorted(paths, key=natural_key))
    split_of = splits(_halves_of(found.classes, classes))
    items = [
        item for label, name in enumerate(classes) for item in _items(tree, paths.pop(name), label, split_of[name])
    ]
    return Source(
        name=tree.name,
        licence="not stated",
        classes=tuple(printable(name) for name in classes),
        items=items,
        origin=tree.origin,
        broken=(*tree.skipped, *broken),
        remarks=tuple(printable(remark) for remark in remarks_on_folders(found, counts, level)),
        labelled=labelled,
        options=LayoutOptions(chosen=LayoutChoices(reader="folder", level=found.level), levels=found.levels),
    )


def _pictures_by_folder(tree: FileTree) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Return the names of the pictures in each folder, "" or ending in "/", and (path, reason) of all other files."""
    names: dict[str, list[str]] = {}
    strays: list[tuple[str, str]] = []
    reasons: dict[str, str] = {}
    for path in tree.sizes:
        slash = path.rfind("/") + 1
        if may_be_picture(path):
            names.setdefault(path[:slash], []).append(path[slash:])
        else:
            suffix = _suffix(path)
            strays.append((path, reasons.setdefault(suffix, f"is not a picture: {suffix}")))
    strays.sort()
    return {folder: names[folder] for folder in sorted(names, key=path_key)}, strays


def _items(tree: FileTree, paths: list[str], label: int, split: str) -> list[SourceItem]:
    paths.sort(key=path_key)
    return [
        SourceItem(path=path, label=label, split=split, read=functools.partial(tree.read, path, MAX_BYTES))
        for path in paths
    ]


def _halves_of(folders: Mapping[str, FolderClass], classes: tuple[str, ...]) -> dict[str, set[Half | None]]:
    halves: dict[str, set[Half | None]] = {name: set() for name in classes}
    for place in folders.values():
        halves[place.name].add(place.half)
    return halves


def _without_split(halves: Mapping[str, set[Half | None]]) -> dict[str, str]:
    return dict.fromkeys(halves, GALLERY)


def _split_of_classes(halves: Mapping[str, set[Half | None]]) -> dict[str, str]:
    """Return the split of each class: of its folder where folders are class-disjoint, else by its order."""
    has_test = any(Half.TEST in of for of in halves.values())
    held_out = Half.TEST if has_test else Half.VALIDATION
    split_of = {name: {TEST if half == held_out else TRAIN for half in of} for name, of in halves.items()}
    is_named = all(len(splits) == 1 for splits in split_of.values()) and len(set().union(*split_of.values())) == 2
    if is_named:
        return {name: splits.pop() for name, splits in split_of.items()}
    return dict(zip(halves, class_disjoint(len(halves)), strict=True))


def _suffix(path: str) -> str:
    """Return the ending of a file's name, such as .jpg, in small letters; "" where it has none."""
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return name[dot:].casefold() if 0 < dot < len(name) - 1 else ""


def may_be_picture(path: str) -> bool:
    """Tell by the name whether a file is worth opening; a name without a suffix gets the benefit of the doubt."""
    suffix = _suffix(path)
    return suffix in PICTURE_SUFFIXES or not suffix


READER = LayoutReader(
    title="Anything else",
    recognised_by="one folder a class",
    also_needed="optional `train/` and `test/`, by any usual name, above the class folders",
    training="the first half of the classes, or `train/`",
    held_out="the rest, or `test/`",
    precedence=Precedence.FOLDERS,
    find=lambda tree: "",
    read=read_folder,
)
