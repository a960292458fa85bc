"""A shard of WebDataset, or several unpacked into one folder: 0001.cls or 0001.json beside 0001.jpg."""

import json
from typing import NoReturn

from mlcore.datasets.archive_formats import is_archive_name
from mlcore.datasets.class_lists import rename_numbers
from mlcore.datasets.filetree import FileTree
from mlcore.datasets.label_columns import LABEL_COLUMNS
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.picture_folders import has_class_folders, split_of_folders
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.readers.folder import PICTURE_SUFFIXES
from mlcore.datasets.source import Source
from mlcore.errors import DatasetError

TITLE = "WebDataset"
_MOST_LABEL_BYTES = 2**20
_SAMPLED = 20


def find_shard(tree: FileTree) -> str | None:
    """Return "" where labels lie beside most pictures, or where there are archives and no picture."""
    if not any(path.endswith((".cls", ".json")) or is_archive_name(path) for path in tree.sizes):
        return None
    paths = _pictures(tree)
    if not paths:
        return "" if _archives(tree) else None
    labelled = [path for path in paths if _label_file(tree, path)]
    if not labelled or (has_class_folders(paths) and len(labelled) < len(paths) / 2):
        return None
    sample = labelled[:: max(1, len(labelled) // _SAMPLED)]
    return "" if 2 * sum(bool(_class_of(tree, path)) for path in sample) > len(sample) else None


def read_shard(tree: FileTree, top: str, choices: LayoutChoices) -> Source:
    """Return the source of pictures whose class stands in a file of the same name, .cls or .json.

    Raises:
        DatasetError: there are shards or other archives that have to be unpacked, or too few classes.
    """
    choices.refuse_others(TITLE, "split", "class_names")
    paths = _pictures(tree)
    if not paths:
        _refuse_archives(tree)
    pictures = LabelledPictures(tree, "the files beside the pictures")
    for path in paths:
        label = _class_of(tree, path)
        if label:
            pictures.add(path, label, split_of_folders(path))
    pictures.leave_out_others(paths)
    order = rename_numbers(tree, "", pictures)
    return pictures.source(name=tree.name, origin=f"{tree.origin}, {TITLE}", order=order)


def _pictures(tree: FileTree) -> list[str]:
    return [path for path in tree.sizes if path[path.rfind(".") :].casefold() in PICTURE_SUFFIXES]


def _label_file(tree: FileTree, path: str) -> str:
    """Return the file with a picture's label, "" where there is none."""
    key = path[: path.rfind(".")]
    return next((file for file in (f"{key}.cls", f"{key}.json") if file in tree.sizes), "")


def _class_of(tree: FileTree, path: str) -> str:
    """Return the class of a picture, "" where no file says it."""
    file = _label_file(tree, path)
    if not file:
        return ""
    try:
        text = tree.read(file, _MOST_LABEL_BYTES).decode("utf-8-sig")
        values = json.loads(text) if file.endswith(".json") else text.strip()
    except (DatasetError, ValueError, RecursionError):
        return ""
    if isinstance(values, str):
        return values
    labels = (values[name] for name in LABEL_COLUMNS if name in values) if isinstance(values, dict) else ()
    return next((str(label) for label in labels if isinstance(label, str | int)), "")


def _archives(tree: FileTree) -> list[str]:
    return sorted(path for path in tree.sizes if is_archive_name(path))


def _refuse_archives(tree: FileTree) -> NoReturn:
    archives = _archives(tree)
    if not archives:
        raise DatasetError(". ".join((f"{tree.name} has no pictures", *tree.remarks)))
    raise DatasetError(
        f"{tree.name} has no pictures, but archives in it, such as {archives[0]} ({len(archives):,} in all). Archives "
        "inside, shards of WebDataset among them, are not read: unpack all of them into one folder, then import it"
    )


READER = LayoutReader(
    title=TITLE,
    recognised_by="`0001.cls` or `0001.json` beside `0001.jpg`",
    also_needed="one shard, `.tar`, or all of them unpacked into one folder; optional `classes.txt`",
    training="the first half of the classes",
    held_out="the rest",
    precedence=Precedence.DESCRIBED,
    find=find_shard,
    read=read_shard,
)
