"""iNaturalist, and other sets whose annotations are one JSON file a split in the form of COCO."""

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.json_records import iterate_lists
from mlcore.datasets.label_tables import table_files
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.picture_folders import folder_of_file, has_class_folders, split_of_file
from mlcore.datasets.picture_index import PictureIndex
from mlcore.datasets.reader_table import LayoutReader, Precedence
from mlcore.datasets.source import Source
from mlcore.errors import DatasetError

TITLE = "iNaturalist, COCO"
MOST_BYTES = 256 * 2**20  # of one file; its text is in memory while it is read
_KEYS = (b'"images"', b'"annotations"', b'"categories"')
_FILE_NAME = re.compile(rb'"file_name"\s*:\s*"((?:[^"\\]|\\.)*)"')
_SAMPLED_NAMES = 200

Id = int | str


@dataclass
class _Annotations:
    """What one file says: names of its pictures and categories, the category of each picture."""

    files: dict[Id, str] = field(default_factory=dict)
    names: dict[Id, str] = field(default_factory=dict)
    categories: dict[Id, Id] = field(default_factory=dict)  # by picture
    several: set[Id] = field(default_factory=set)  # pictures with more than one category
    has_boxes: bool = False

    def add(self, kind: str, entry: dict[str, Any]) -> None:
        if kind == "annotations":
            picture, category = entry.get("image_id"), entry.get("category_id")
            if isinstance(picture, Id) and isinstance(category, Id):
                if self.categories.setdefault(picture, category) != category:
                    self.several.add(picture)
                self.has_boxes = self.has_boxes or bool(entry.get("bbox"))
            return
        number = entry.get("id")
        if isinstance(number, Id) and kind == "images":
            self.files[number] = str(entry.get("file_name", ""))
        elif isinstance(number, Id) and kind == "categories":
            self.names[number] = str(entry.get("name") or number)


def find_annotations(tree: FileTree) -> str | None:
    """Return "" where annotations name pictures of the tree: most of them, if class folders name classes as well."""
    files = _annotation_files(tree)
    if not files:
        return None
    index = PictureIndex(tree)
    named = 0.0
    for path in files:
        data = tree.read(path, MOST_BYTES)
        matches = itertools.islice(_FILE_NAME.finditer(data), _SAMPLED_NAMES)
        sample = [match[1].decode(errors="replace").replace("\\/", "/") for match in matches]
        count = sum(bool(_find(index, name, path)[0]) for name in sample)
        named += count / max(1, len(sample)) * data.count(b'"file_name"')
    enough = len(index.paths) / 2 if has_class_folders(index.paths) else 1
    return "" if named >= enough else None


def read_annotations(tree: FileTree, top: str, choices: LayoutChoices) -> Source:
    """Return the source in which a picture's class is the one category of its annotations.

    Pictures with several categories are left out; boxes are ignored.

    Raises:
        DatasetError: a file cannot be read, most pictures have several categories, or there are too few classes.
    """
    choices.refuse_others(TITLE, "split", "class_names")
    paths = _annotation_files(tree)
    if not paths:
        raise DatasetError(f"{tree.name} has no JSON file with images, annotations and categories")
    index = PictureIndex(tree)
    names = " and ".join(path.rpartition("/")[2] for path in paths)
    pictures = LabelledPictures(tree, names)
    has_boxes = False
    for path in paths:
        annotations = _read(tree, path)
        _refuse_scenes(annotations, path)
        _take(annotations, path, index, pictures)
        has_boxes = has_boxes or annotations.has_boxes
    pictures.leave_out_others(index.paths)
    if has_boxes:
        pictures.remark("the boxes of the annotations are ignored: each picture is taken whole")
    return pictures.source(name=tree.name, origin=f"{tree.origin}, annotated by {names}")


def _annotation_files(tree: FileTree) -> list[str]:
    files = []
    for path in table_files(tree, (".json",)):
        try:
            data = tree.read(path, MOST_BYTES)
        except DatasetError:  # too large, or damaged
            continue
        if all(key in data for key in _KEYS):
            files.append(path)
    return files


def _read(tree: FileTree, path: str) -> _Annotations:
    annotations = _Annotations()
    text = tree.read(path, MOST_BYTES).decode("utf-8-sig", errors="replace")
    for kind, entry in iterate_lists(text, path):
        annotations.add(kind, entry)
    return annotations


def _find(index: PictureIndex, name: str, path: str) -> tuple[str, str]:
    return index.find(name, folder=folder_of_file(path), split=split_of_file(path))


def _refuse_scenes(annotations: _Annotations, path: str) -> None:
    if len(annotations.several) > len(annotations.categories) / 2:
        raise DatasetError(
            f"{path} marks objects of several classes in {len(annotations.several):,} of "
            f"{len(annotations.categories):,} pictures; a picture needs one class. Cut the objects out by their boxes "
            "and import them as class folders"
        )


def _take(annotations: _Annotations, path: str, index: PictureIndex, pictures: LabelledPictures) -> None:
    for number, name in annotations.files.items():
        found, fault = _find(index, name, path)
        category = annotations.categories.get(number)
        if fault:
            pictures.miss(name, fault)
        elif number in annotations.several:
            pictures.contradict(found, f"has several classes in {path}")
        elif category is not None:
            pictures.add(found, annotations.names.get(category, str(category)), split_of_file(path))


READER = LayoutReader(
    title=TITLE,
    recognised_by="`train.json`, `val.json` or any `.json` with `images`, `annotations` and `categories`",
    also_needed="the pictures that they name, such as `train_val_images/`; each of one category",
    training="the first half of the classes, or as the files state where no class is in both halves",
    held_out="the rest",
    precedence=Precedence.DESCRIBED,
    find=find_annotations,
    read=read_annotations,
)
