"""Cars-196 in its original layout."""

from collections.abc import Mapping
from typing import Any

from mlcore.datasets.filetree import FileTree, read_mat
from mlcore.datasets.list_source import Listed, listed_source
from mlcore.datasets.reader_table import LayoutReader, as_published, folder_of
from mlcore.datasets.source import OfficialSplit, Source
from mlcore.errors import DatasetError

ANNOTATIONS = "cars_annos.mat"
NAME = "Cars-196"
OFFICIAL = OfficialSplit(classes=196, train_classes=98, train_images=8_054, test_images=8_131)
LICENCE = (
    "None stated with the data; research use only, not to be redistributed. "
    "Cite Krause, Stark, Deng, Fei-Fei, 3D Object Representations for Fine-Grained Categorization, 3DRR 2013"
)


def find_cars196(tree: FileTree) -> str | None:
    """Return the folder of its annotations; None where the photographs are those of the development kit.

    Some downloads hold both kinds of annotations, which name the photographs differently.
    """
    top = folder_of(tree, ANNOTATIONS)
    has_kit = any(f"{folder}cars_train_annos.mat" in tree.sizes for folder in tree.folders)
    return None if has_kit and not any("car_ims" in path.split("/") for path in tree.sizes) else top


def read_cars196(tree: FileTree, top: str, *, expected: OfficialSplit = OFFICIAL) -> Source:
    """Return Cars-196 from its annotation file: the first half of the classes trains.

    The official split within classes is left aside, as are the bounding boxes: published
    retrieval figures are on whole photographs of unseen classes.

    Args:
        top: folder of cars_annos.mat in the tree, "" or ending in "/".

    Raises:
        DatasetError: the annotations cannot be read or the counts are not `expected`.
    """
    names, annotated = _read_annotations(tree, top + ANNOTATIONS)
    listed = []
    for relative_path, number in annotated:
        if not 1 <= number <= len(names):
            raise DatasetError(f"{ANNOTATIONS} gives {relative_path} class {number} of {len(names)}")
        listed.append(Listed(top + relative_path, number, names[number - 1], expected.split_of(number)))
    return listed_source(tree, listed, name=NAME, licence=LICENCE, expected=expected)


def _read_annotations(tree: FileTree, path: str) -> tuple[tuple[str, ...], list[tuple[str, int]]]:
    """Return the class names and (relative path, class counted from 1) of every photograph."""

    def take(mat: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, int]]]:
        names = tuple(str(name) for name in mat["class_names"])
        return names, [(str(row["relative_im_path"]), int(row["class"])) for row in mat["annotations"]]

    return read_mat(tree, path, take, "Cars-196 annotations")


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{ANNOTATIONS}`",
    also_needed="`car_ims/`",
    training=f"{OFFICIAL.train_images:,} pictures, classes 1-98",
    held_out=f"{OFFICIAL.test_images:,}, classes 99-196",
    licence=LICENCE,
    find=find_cars196,
    read=as_published(NAME, read_cars196),
)
