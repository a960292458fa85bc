"""Cars-196: the original archive with cars_annos.mat, and reduced sets with a manifest.json."""

import functools
import json
from collections.abc import Mapping
from typing import Any, cast

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.items import TEST, TRAIN, OfficialSplit, Source, SourceItem, path_key, readable_class
from mlcore.datasets.list_source import Listed, listed_source
from mlcore.datasets.matlab import read_mat
from mlcore.errors import DatasetError
from mlcore.images.pictures import MAX_BYTES

ANNOTATIONS = "cars_annos.mat"
MANIFEST = "manifest.json"
NAME = "Cars-196"
OFFICIAL = OfficialSplit(classes=196, train_classes=98, train_images=8_054, test_images=8_131)
LICENCE = (
    "None stated with the data; research use only, not to be redistributed. "
    "Cite Krause, Stark, Deng, Fei-Fei, 3D Object Representations for Fine-Grained Categorization, 3DRR 2013"
)


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


def read_reduced_cars196(tree: FileTree, top: str) -> Source:
    """Return a set whose manifest.json lists class folders, each with its split and count.

    Raises:
        DatasetError: the manifest is not of that kind, or a class has another count than it says.
    """
    manifest = read_manifest(tree, top)
    if manifest is None:
        raise DatasetError(f"{MANIFEST} of {tree.name} does not list class folders with id, split and count")
    entries = sorted(manifest["classes"], key=lambda entry: int(entry["id"]))
    files = _files_by_folder(tree, top)
    items: list[SourceItem] = []
    for label, entry in enumerate(entries):
        found = files.get(entry["folder"], [])
        if len(found) != entry["count"]:
            raise DatasetError(
                f"class {entry['folder']} should have {entry['count']} pictures by {MANIFEST}; found {len(found)}"
            )
        items += [
            SourceItem(path, label, entry["split"], functools.partial(tree.read, path, MAX_BYTES)) for path in found
        ]
    return Source(
        name=str(manifest.get("name", tree.name)),
        licence=str(manifest.get("licence", LICENCE)),
        classes=_class_names([str(entry["folder"]) for entry in entries]),
        items=items,
        origin=f"{tree.name}, listed by its {MANIFEST}; not comparable with figures published for the full set",
        broken=tree.skipped,
    )


def read_manifest(tree: FileTree, top: str) -> Mapping[str, Any] | None:
    """Return manifest.json when it lists class folders; None when it is about something else."""
    try:
        manifest: Any = json.loads(tree.read(top + MANIFEST))
    except (DatasetError, ValueError, RecursionError):
        return None
    entries = manifest.get("classes") if isinstance(manifest, dict) else None
    if not isinstance(entries, list) or not entries:
        return None
    for entry in entries:
        if not isinstance(entry, dict) or not {"folder", "id", "split", "count"} <= entry.keys():
            return None
        if (
            not isinstance(entry["folder"], str)
            or not isinstance(entry["id"], int)
            or entry["split"] not in (TRAIN, TEST)
        ):
            return None
    return cast(Mapping[str, Any], manifest)


def _read_annotations(tree: FileTree, path: str) -> tuple[tuple[str, ...], list[tuple[str, int]]]:
    """Return the class names and (relative path, class counted from 1) of every photograph."""

    def take(mat: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, int]]]:
        names = tuple(str(name) for name in mat["class_names"])
        return names, [(str(row["relative_im_path"]), int(row["class"])) for row in mat["annotations"]]

    return read_mat(tree, path, take, "Cars-196 annotations")


def _files_by_folder(tree: FileTree, top: str) -> dict[str, list[str]]:
    files: dict[str, list[str]] = {}
    for path in sorted(tree.sizes, key=path_key):
        folder, _, name = path.removeprefix(top).partition("/")
        if path.startswith(top) and name:
            files.setdefault(folder, []).append(path)
    return files


def _class_names(folders: list[str]) -> tuple[str, ...]:
    """Return readable names, or the folders' own where two would read alike."""
    names = tuple(readable_class(folder) for folder in folders)
    return names if len(set(names)) == len(names) else tuple(folders)
