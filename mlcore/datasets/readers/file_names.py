"""Pictures whose class stands in their file name, such as cat.0.jpg, by a pattern that the user gives."""

from dataclasses import replace

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.layout_choices import LayoutChoices, LayoutOptions, LayoutUnclear
from mlcore.datasets.name_patterns import labels_in_names, suggest_pattern
from mlcore.datasets.picture_folders import count_class_folders, split_of_folders
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.readers.folder import may_be_picture
from mlcore.datasets.source import TRAIN, Source
from mlcore.datasets.split_words import split_in_name

TITLE = "Class in the file name"


def find_file_names(tree: FileTree) -> str | None:
    """Return "" where folders name no two classes: no pattern is taken silently, so `read_file_names` asks for one."""
    paths = _pictures(tree)
    classes = count_class_folders(paths)
    if not paths or (classes or 0) > 1:
        return None
    # A split without class folders is left to the reader of folders, which says so.
    return "" if classes is not None or suggest_pattern(_names(paths)) else None


def read_file_names(tree: FileTree, top: str, choices: LayoutChoices) -> Source:
    """Return the source in which a picture's class is what the chosen pattern finds in its file name.

    Folders such as train/ and query/ state the split, or the pattern's group `split` does.

    Raises:
        DatasetError: no pattern is chosen, it takes too long or fits no name, or there are too few classes.
    """
    choices.refuse_others(TITLE, "pattern", "split", "class_names")
    paths = _pictures(tree)
    if not choices.pattern:
        raise _without_pattern(tree, paths)
    pictures = LabelledPictures(tree, "the pattern")
    in_names = dict(zip(paths, labels_in_names(choices.pattern, _names(paths)), strict=True))
    folders = {path: split_of_folders(path) for path in paths}
    has_halves = TRAIN in folders.values() and len(set(folders.values()) - {"", TRAIN}) > 0
    for path, groups in in_names.items():
        split = split_in_name(groups[1]) if groups and groups[1] else folders[path]
        if groups is None:
            pictures.leave_out(path, "does not fit the pattern", "not of the pattern")
        elif has_halves and not split:
            pictures.leave_out(path, "lies in no folder of the split", "in no folder of the split")
        else:
            pictures.add(path, groups[0], split)
    options = LayoutOptions(chosen=replace(choices, reader="file_names"))
    return pictures.source(name=tree.name, origin=f"{tree.origin}, classes by file name", options=options)


def _pictures(tree: FileTree) -> list[str]:
    return sorted(path for path in tree.sizes if may_be_picture(path))


def _names(paths: list[str]) -> list[str]:
    return [path.rpartition("/")[2] for path in paths]


def _without_pattern(tree: FileTree, paths: list[str]) -> LayoutUnclear:
    """Return the error that says how to tell the classes of pictures without class folders."""
    suggestion = suggest_pattern(_names(paths))
    example = "^(?P<label>[^_]+)_"
    if suggestion:
        first = ", ".join(suggestion.first)
        example = f"{suggestion.pattern}, which finds {suggestion.classes:,} classes here ({first})"
    one_class = count_class_folders(paths) == 1
    fault = "has 1 class; it needs at least 3" if one_class else "has no pictures in class folders"
    ways = (
        f"{tree.name} {fault}. Choose a pattern that finds the class in each file name, such as {example}; "
        "or give each class a folder of its own; or add a table labels.csv with the columns path and label; "
        "or import the pictures without labels"
    )
    chosen = LayoutChoices(reader="file_names", pattern=suggestion.pattern if suggestion else "")
    return LayoutUnclear(". ".join((ways, *tree.remarks)), LayoutOptions(chosen=chosen))


READER = LayoutReader(
    title=TITLE,
    recognised_by=(
        "a pattern that you give, such as `^(?P<label>[a-z]+)` for `cat.0.jpg`, `^(?P<label>[^_]+)_` for `0002_c1.jpg`"
    ),
    also_needed="nothing; optional folders such as `train/` and `query/`, or a group `(?P<split>…)`",
    training="the first half of the classes, or `train/` where no class is in both halves",
    held_out="the rest",
    precedence=Precedence.FILE_NAMES,
    find=find_file_names,
    find_chosen=lambda tree: "",
    chosen_by=("pattern",),
    read=read_file_names,
)
