"""Tiny ImageNet in its original layout: folders by WordNet id, the names of the classes in a list."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.reader_table import LayoutReader, as_published, folder_with
from mlcore.datasets.readers.folder import may_be_picture
from mlcore.datasets.source import TRAIN, Source
from mlcore.datasets.split_words import VALIDATION
from mlcore.errors import DatasetError

IDS = "wnids.txt"
NAMES = "words.txt"
VALIDATION_LABELS = "val/val_annotations.txt"
NAME = "Tiny ImageNet"
LICENCE = (
    "Photographs of ImageNet, under their owners' copyright; non-commercial research and education only. "
    "Cite Le, Yang, Tiny ImageNet Visual Recognition Challenge, CS 231N 2015"
)


def read_tiny_imagenet(tree: FileTree, top: str) -> Source:
    """Return Tiny ImageNet with the names of words.txt: the first half of the classes, by WordNet id, trains.

    Its own split is within classes, so training and validation pictures are taken together. The test pictures have
    no labels and are left out.

    Args:
        top: folder of wnids.txt in the tree, "" or ending in "/".

    Raises:
        DatasetError: a list cannot be read, or there are too few classes.
    """
    ids = sorted({word_id for word_id, _ in _pairs(tree, top + IDS)})
    names = _names_of(ids, dict(_pairs(tree, top + NAMES)))
    listed = top + VALIDATION_LABELS
    # "val_0.JPEG n03444034 0 32 44 62"; some downloads sort the pictures into folders and leave the list out
    validation = {file: rest.split()[0] for file, rest in _pairs(tree, listed) if rest} if listed in tree.sizes else {}
    pictures = LabelledPictures(tree, f"{IDS} and {VALIDATION_LABELS}")
    paths = [path for path in tree.sizes if path.startswith(top) and may_be_picture(path)]
    for path in paths:
        split, *folders = path[len(top) :].split("/")
        word_id = next((part for part in folders if part in names), "") or validation.pop("".join(folders[-1:]), "")
        if word_id in names and split in ("train", "val"):
            pictures.add(path, names[word_id], TRAIN if split == "train" else VALIDATION)
    pictures.leave_out_others(paths)
    for file in validation:
        pictures.miss(f"{top}val/images/{file}")
    order = [names[word_id] for word_id in ids]
    return pictures.source(name=tree.name, origin=f"{tree.origin}, {NAME}", licence=LICENCE, order=order)


def _pairs(tree: FileTree, path: str) -> list[tuple[str, str]]:
    """Return the first word of each line, and the rest."""
    lines = tree.read(path).decode("utf-8", errors="replace").splitlines()
    words = (line.strip().partition("\t" if "\t" in line else " ") for line in lines)
    return [(first, rest.strip()) for first, _, rest in words if first]


def _names_of(ids: Sequence[str], words: Mapping[str, str]) -> dict[str, str]:
    """Return the first name of each WordNet id, "crane"; with its id where several have the same."""
    missing = next((word_id for word_id in ids if word_id not in words), None)
    if missing is not None:
        raise DatasetError(f"{NAMES} has no line for {missing}, which {IDS} lists; fetch {NAME} again")
    first = {word_id: words[word_id].split(",")[0].strip() or word_id for word_id in ids}
    count = Counter(first.values())
    return {word_id: name if count[name] == 1 else f"{name} ({word_id})" for word_id, name in first.items()}


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{IDS}` with `{NAMES}`",
    also_needed=f"`train/`, and `val/` with `{VALIDATION_LABELS.partition('/')[2]}`; `test/` has no labels",
    training="the first half of the classes, by WordNet id",
    held_out="the rest",
    licence=LICENCE,
    find=folder_with(IDS, NAMES),
    read=as_published(NAME, read_tiny_imagenet),
)
