"""The names of numbered classes, from the lists that lie beside labels."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.errors import DatasetError

_LISTS = ("classes.txt", "class_names.txt", "classnames.txt", "labels.txt", "label_names.txt", "names.txt")
_CARD = "README.md"  # of the data sets on the Hugging Face hub: `class_label`, `names`, then "'0': cat"
_CARD_LINE = re.compile(r"^\s+'?(\d+)'?:\s*(.+?)\s*$", re.MULTILINE)
_MOST_BYTES = 2**20
_MOST_JSON_FILES = 10


def class_names(tree: FileTree, folder: str, labels: frozenset[str]) -> tuple[Mapping[str, str], str]:
    """Return the name of each number among `labels`, in the order of a list, and the file of the list.

    A list lies in `folder`, "" or ending in "/", or above it. Nothing is returned where a label is no number,
    or no list has a name of its own for each.
    """
    if not labels or not all(re.fullmatch(r"[0-9]{1,9}", label) for label in labels):
        return {}, ""
    for file, names in _lists(tree, folder):
        by_label = _named(labels, names)
        if by_label and len(set(by_label.values())) == len(by_label):
            return by_label, file
    return {}, ""


def rename_numbers(tree: FileTree, folder: str, pictures: LabelledPictures) -> tuple[str, ...]:
    """Give numbered classes the names that a list has beside the labels; return them in its order."""
    names, file = class_names(tree, folder, pictures.labels)
    if names:
        pictures.rename(names)
        pictures.remark(f"the names of the classes are those of {file}")
    return tuple(names.values())


def _named(labels: frozenset[str], names: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each label; numbers that count from 1 are taken as such where they fit in no other way."""
    numbers = sorted(labels, key=int)
    offset = 0 if all(str(int(label)) in names for label in numbers) else 1
    by_label = {label: names.get(str(int(label) - offset), "") for label in numbers}
    return by_label if all(by_label.values()) else {}


def _lists(tree: FileTree, folder: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the file of each list and its names by number, as text."""
    for path in _beside(tree, folder):
        name = path.rpartition("/")[2]
        try:
            text = tree.read(path, _MOST_BYTES).decode("utf-8-sig", errors="replace")
            if name in _LISTS:
                yield path, _from_lines(text)
            elif name == _CARD:
                yield path, _from_card(text)
            else:
                yield path, _from_json(json.loads(text))
        except (DatasetError, ValueError, RecursionError):
            continue


def _beside(tree: FileTree, folder: str) -> list[str]:
    """Return the files that may be lists, in the folder and those above it, nearest first."""
    paths = []
    while True:
        paths += [folder + name for name in (*_LISTS, _CARD) if folder + name in tree.sizes]
        inside = tree.by_folder.get(folder, ())
        paths += sorted(path for path in inside if path.endswith(".json"))[:_MOST_JSON_FILES]
        if not folder:
            return paths
        folder = folder[: folder.rstrip("/").rfind("/") + 1]


def _from_lines(text: str) -> dict[str, str]:
    """Return the names of a list, one a line, with or without its number before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [re.fullmatch(r"(\d+)[\s,:;]+(.+)", line) for line in lines]
    if all(numbered):
        return {str(int(match[1])): match[2] for match in numbered if match}
    return {str(number): line for number, line in enumerate(lines)}


def _from_card(text: str) -> dict[str, str]:
    _, _, names = text.partition("class_label:")
    return {match[1]: match[2].strip("'\"") for match in _CARD_LINE.finditer(names)}


def _from_json(values: Any) -> dict[str, str]:
    """Return the names of a JSON list, of an object by number, or of the first such thing inside an object."""
    if isinstance(values, list) and values and all(isinstance(name, str) for name in values):
        return {str(number): name for number, name in enumerate(values)}
    if not isinstance(values, dict):
        return {}
    if values and all(key.isdecimal() and isinstance(name, str) for key, name in values.items()):
        return {str(int(key)): name for key, name in values.items()}
    return next(filter(None, map(_from_json, values.values())), {})
