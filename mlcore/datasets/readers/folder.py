"""One folder a class: the layout that people make by hand, with or without train/ and test/."""

from collections import Counter
from collections.abc import Callable, Mapping

from mlcore.datasets.class_folders import FolderClass, arrange_folders
from mlcore.datasets.filetree import FileTree
from mlcore.datasets.folder_remarks import remarks_on_folders
from mlcore.datasets.layout_choices import NO_CHOICES, LayoutChoices, LayoutOptions
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.source import GALLERY, TEST, TRAIN, Source, natural_key, path_key, printable
from mlcore.datasets.split_folders import Half
from mlcore.datasets.splits import class_disjoint
from mlcore.datasets.tree_items import Block, TreeItems
from mlcore.errors import DatasetError

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".gif", ".bmp", ".tif", ".tiff"}
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

    They are for a data set that has splits already. Of folders in folders, the first names the class: paths that
    people send begin with it.

    Raises:
        DatasetError: no picture lies in a class folder.
    """
    return _source_of_classes(tree, _without_split, 1, labelled=False)


def read_flat(tree: FileTree) -> Source:
    """Return the source of pictures whose folders say nothing: one class, only to be found.

    Raises:
        DatasetError: there is no picture.
    """
    pictures, strays = _pictures_by_folder(tree)
    paths = [path for inside in pictures.values() for path in inside]
    items = TreeItems(tree, [Block(sorted(paths, key=path_key), 0, GALLERY)])
    if not paths:
        raise DatasetError(_sentences(f"{tree.name} has no pictures", *tree.remarks))
    return Source(tree.name, "not stated", (UNLABELLED,), items, tree.origin, (*tree.skipped, *strays), labelled=False)


SplitOfClasses = Callable[[Mapping[str, set[Half | None]]], dict[str, str]]
"""The split of each class, in their order, by the halves that its pictures lie in."""


def _source_of_classes(tree: FileTree, splits: SplitOfClasses, level: int, *, labelled: bool) -> Source:
    pictures, broken = _pictures_by_folder(tree)
    counts = {folder.rstrip("/"): len(inside) for folder, inside in pictures.items()}
    found = arrange_folders(counts, level, flat_halves=not labelled)
    if not found.classes:
        raise DatasetError(_without_classes(tree, bool(pictures)))
    for folder, reason in found.left_out.items():
        broken += ((path, reason) for path in pictures[f"{folder}/" if folder else ""])
    paths: dict[str, list[str]] = {}
    for folder, place in found.classes.items():
        paths.setdefault(place.name, []).extend(pictures[f"{folder}/"])
    classes = tuple(sorted(paths, key=natural_key))
    remarks = remarks_on_folders(found, counts, level)
    try:
        split_of = splits(_halves_of(found.classes, classes))
    except DatasetError as error:
        raise DatasetError(_sentences(str(error), *remarks)) from None
    blocks = [Block(sorted(paths[name], key=path_key), label, split_of[name]) for label, name in enumerate(classes)]
    return Source(
        name=tree.name,
        licence="not stated",
        classes=tuple(printable(name) for name in classes),
        items=TreeItems(tree, blocks),
        origin=tree.origin,
        broken=(*tree.skipped, *broken),
        remarks=tuple(map(printable, remarks)),
        labelled=labelled,
        options=LayoutOptions(chosen=LayoutChoices(reader="folder", level=found.level), levels=found.levels),
    )


def _without_classes(tree: FileTree, has_pictures: bool) -> str:
    if has_pictures or not tree.sizes:
        nothing = f"{tree.name} has no pictures in class folders; give each class a folder of its own"
    else:
        endings = Counter(_suffix(path) for path in tree.sizes).most_common(3)
        named = ", ".join(f"{count:,} {ending}" for ending, count in endings)
        nothing = f"{tree.name} has no pictures among its {len(tree.sizes):,} files ({named})"
    return _sentences(nothing, *tree.remarks)


def _sentences(first: str, *remarks: str) -> str:
    return ". ".join((first, *(remark[:1].upper() + remark[1:] for remark in remarks)))


def _pictures_by_folder(tree: FileTree) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Return the pictures directly in each folder, "" or ending in "/", and (path, reason) of all other files."""
    pictures: dict[str, list[str]] = {}
    strays: list[tuple[str, str]] = []
    for folder in sorted(tree.by_folder, key=path_key):
        inside = tree.by_folder[folder]
        kept = [path for path in inside if may_be_picture(path)]
        if kept:
            pictures[folder] = kept
        if len(kept) < len(inside):
            strays += ((path, f"is not a picture: {_suffix(path)}") for path in inside if not may_be_picture(path))
    strays.sort()
    return pictures, strays


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
