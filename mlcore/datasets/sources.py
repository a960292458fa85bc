"""Finds out what a directory, archive or name holds, and opens it as a source of pictures."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlcore.datasets import cars196, cub200, folder
from mlcore.datasets.archives import open_tree
from mlcore.datasets.filetree import LIMITS, ArchiveLimits, FileTree
from mlcore.datasets.items import TEST, TRAIN, Source, SourceItem
from mlcore.events import Progress, no_progress

WINGS = "wings"
_DEEPEST_MARKER = 2  # folders above a layout's telling file: CUB_200_2011/images.txt, once more in an archive


@contextmanager
def open_source(
    where: str | Path, *, limits: ArchiveLimits = LIMITS, progress: Progress = no_progress
) -> Iterator[Source]:
    """Yield the pictures of a directory, a zip, tar or tar.gz, or of drawn "wings:species=60,seed=0".

    CUB-200-2011, Cars-196 and sets with a manifest.json are known by their files; anything
    else is read as one folder a class. The source's pictures can be read inside the
    `with` only; `progress` hears of a tar.gz being unpacked.

    Raises:
        DatasetError: nothing readable is there, an archive is unsafe, a benchmark is not
            complete, or there are too few classes.
    """
    if isinstance(where, str) and (where == WINGS or where.startswith(f"{WINGS}:")):
        yield _drawn_wings(where)
        return
    with open_tree(Path(where), limits=limits, progress=progress) as tree:
        yield _read_layout(tree, origin=Path(where).resolve().name)


def _read_layout(tree: FileTree, origin: str) -> Source:
    top = _folder_of(tree, cub200.LABELS)
    if top is not None and f"{top}{cub200.LIST}" in tree.sizes:
        return cub200.read_cub200(tree, top)
    top = _folder_of(tree, cars196.ANNOTATIONS)
    if top is not None:
        return cars196.read_cars196(tree, top)
    top = _folder_of(tree, cars196.MANIFEST)
    if top is not None and cars196.read_manifest(tree, top) is not None:
        return cars196.read_reduced_cars196(tree, top)
    return folder.read_folder(tree, origin)


def _folder_of(tree: FileTree, name: str) -> str | None:
    """Return the highest folder, "" or ending in "/", that holds a file of that name."""
    found = [path[: -len(name)] for path in tree.sizes if path == name or path.endswith(f"/{name}")]
    near = [top for top in found if top.count("/") <= _DEEPEST_MARKER]
    return min(near, key=lambda top: (top.count("/"), top), default=None)


def _drawn_wings(text: str) -> Source:
    # Drawing is not needed to read photographs.
    from mlcore.datasets import wings

    spec = wings.WingsSpec.parse(text)
    items = [
        SourceItem(
            path=f"{species:04d}/{picture:04d}.jpg",
            label=species,
            split=TRAIN if species < spec.train_species else TEST,
            read=functools.partial(wings.picture_bytes, spec, species, picture),
        )
        for species in range(spec.species)
        for picture in range(spec.per_class)
    ]
    classes = tuple(wings.species_name(spec, species) for species in range(spec.species))
    return Source(WINGS, "Drawn by this program; free to use", classes, items, text)
