"""Cars-196 in the layout that is still offered: two folders of photographs and a development kit of annotations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlcore.datasets.filetree import FileTree, read_mat
from mlcore.datasets.labelled_pictures import LabelledPictures
from mlcore.datasets.list_source import Listed, listed_source
from mlcore.datasets.reader_table import LayoutReader, as_published, folder_of
from mlcore.datasets.readers import cars196
from mlcore.datasets.source import OfficialSplit, Source
from mlcore.errors import DatasetError

TRAIN_ANNOTATIONS = "cars_train_annos.mat"
TEST_ANNOTATIONS = ("cars_test_annos_withlabels.mat", "cars_test_annos.mat")
NAMES = "cars_meta.mat"
HALVES = ("cars_train", "cars_test")


@dataclass(frozen=True)
class _Annotated:
    """A photograph of a half, a folder of HALVES; `number` counts its class from 1, 0 where it has none."""

    half: str
    file: str
    number: int


def find_devkit(tree: FileTree) -> str | None:
    """Return the folder, "" or ending in "/", that holds the annotations of the training photographs."""
    kit = folder_of(tree, f"devkit/{TRAIN_ANNOTATIONS}")
    return f"{kit}devkit/" if kit is not None else folder_of(tree, TRAIN_ANNOTATIONS)


def read_cars_devkit(tree: FileTree, kit: str, *, expected: OfficialSplit = cars196.OFFICIAL) -> Source:
    """Return Cars-196 from its development kit: the first half of the classes trains.

    The official split within classes and the bounding boxes are left aside, as in `read_cars196`. Where the counts
    are not `expected`, the pictures are taken by their labels and a remark says so.

    Args:
        kit: folder of cars_train_annos.mat in the tree, "" or ending in "/".

    Raises:
        DatasetError: the annotations cannot be read, or there are too few classes.
    """
    names = read_mat(tree, kit + NAMES, lambda mat: tuple(map(str, _items(mat["class_names"]))), "names of cars")
    test = next((file for name in TEST_ANNOTATIONS if (file := _file_named(tree, kit, name))), "")
    annotated = [*_annotations(tree, kit + TRAIN_ANNOTATIONS, HALVES[0])]
    if test:
        annotated += _annotations(tree, test, HALVES[1])
    paths = _paths_by_half(tree)
    if len(names) == expected.classes and sum(bool(picture.number) for picture in annotated) == expected.images:
        return listed_source(
            tree, _listed(annotated, paths, names, expected), name=cars196.NAME, licence=cars196.LICENCE,
            expected=expected,
        )  # fmt: skip
    return _smaller_source(tree, annotated, paths, names)


def _file_named(tree: FileTree, kit: str, name: str) -> str:
    """Return the path of a file that lies in the kit or, as labels that are fetched apart do, a folder above."""
    above = kit.removesuffix("/").rpartition("/")[0]
    return next((path for path in (kit + name, f"{above}/{name}".lstrip("/")) if path in tree.sizes), "")


def _annotations(tree: FileTree, path: str, half: str) -> list[_Annotated]:
    def take(mat: Mapping[str, Any]) -> list[_Annotated]:
        rows = _items(mat["annotations"])
        labelled = "class" in (mat["annotations"].dtype.names or ())
        return [_Annotated(half, str(row["fname"]), int(row["class"]) if labelled else 0) for row in rows]

    return read_mat(tree, path, take, "annotations of cars")


def _items(array: Any) -> Any:
    """Return an array that was squeezed, with at least one dimension."""
    return array.reshape(-1)


def _paths_by_half(tree: FileTree) -> dict[tuple[str, str], str]:
    """Return the path of each photograph by its half and file name: archives add folders above and below the half."""
    paths = {}
    for path in tree.sizes:
        *folders, file = path.split("/")
        half = next((half for half in HALVES if half in folders), "")
        if half:
            paths[half, file] = path
    return paths


def _listed(
    annotated: list[_Annotated], paths: dict[tuple[str, str], str], names: tuple[str, ...], expected: OfficialSplit
) -> Iterator[Listed]:
    for picture in annotated:
        name = _class_name(picture, names)
        path = paths.get((picture.half, picture.file), f"{picture.half}/{picture.file}")
        yield Listed(path, picture.number, name, expected.split_of(picture.number))


def _class_name(picture: _Annotated, names: tuple[str, ...]) -> str:
    if not 1 <= picture.number <= len(names):
        raise DatasetError(
            f"the devkit gives {picture.half}/{picture.file} class {picture.number} of {len(names)}; "
            f"fetch {NAMES} and the annotations again"
        )
    return names[picture.number - 1]


def _smaller_source(
    tree: FileTree, annotated: list[_Annotated], paths: dict[tuple[str, str], str], names: tuple[str, ...]
) -> Source:
    """Return the source of another number of photographs, or of those of the training folder alone."""
    pictures = LabelledPictures(tree, "the devkit")
    for picture in annotated:
        path = paths.get((picture.half, picture.file))
        if path is None:
            pictures.miss(f"{picture.half}/{picture.file}")
        elif picture.number:
            pictures.add(path, _class_name(picture, names))
    unlabelled = sum(not picture.number for picture in annotated)
    if unlabelled:
        pictures.remark(
            f"{unlabelled:,} pictures of {HALVES[1]} have no class in {TEST_ANNOTATIONS[1]}, so only {HALVES[0]} is "
            f"imported; put {TEST_ANNOTATIONS[0]} beside it to import both"
        )
    pictures.remark(
        f"this is not the whole {cars196.NAME} ({cars196.OFFICIAL}); its figures compare with none that are published"
    )
    return pictures.source(
        name=tree.name, origin=f"{tree.origin}, Cars-196 devkit", licence=cars196.LICENCE, order=names
    )


READER = LayoutReader(
    title="Cars-196 devkit",
    recognised_by=f"`{TRAIN_ANNOTATIONS}`",
    also_needed=f"`{NAMES}` beside it, `cars_train/`, `cars_test/`; `{TEST_ANNOTATIONS[0]}` for the labels of both",
    training=f"{cars196.OFFICIAL.train_images:,} pictures, classes 1-98; of fewer, the first half of the classes",
    held_out=f"{cars196.OFFICIAL.test_images:,}, classes 99-196; of fewer, the rest",
    licence=cars196.LICENCE,
    find=find_devkit,
    read=as_published("Cars-196 devkit", read_cars_devkit),
)
