"""Class folders that a manifest.json lists with their split and count, as reduced benchmarks have it."""

import functools
import json
from collections.abc import Mapping
from typing import Any, cast

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.reader_table import LayoutReader, Precedence, as_published, folder_of
from mlcore.datasets.readers import cars196
from mlcore.datasets.source import TEST, TRAIN, Source, SourceItem, path_key, readable_class
from mlcore.errors import DatasetError
from mlcore.images.image_io import MAX_BYTES

MANIFEST = "manifest.json"


def read_listed_folders(tree: FileTree, top: str) -> Source:
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
        licence=str(manifest.get("licence", cars196.LICENCE)),
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


def find_manifest(tree: FileTree) -> str | None:
    """Return the folder of a manifest.json that lists class folders; other files of that name are passed over."""
    top = folder_of(tree, MANIFEST)
    return top if top is not None and read_manifest(tree, top) is not None else None


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


READER = LayoutReader(
    title="Reduced sets",
    recognised_by=f"`{MANIFEST}` that lists `classes`",
    also_needed="the folders that it names",
    training="as the manifest states",
    held_out="as the manifest states",
    precedence=Precedence.DESCRIBED,
    find=find_manifest,
    read=as_published("A set with a manifest.json", read_listed_folders),
)
