"""Finds out what a directory, archive or name holds, and opens it as a source of pictures."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlcore.datasets.archives import open_tree
from mlcore.datasets.checksums import ARCHIVES, remark_on
from mlcore.datasets.filetree import LIMITS, ArchiveLimits, FileTree
from mlcore.datasets.items import TEST, TRAIN, Source, SourceItem
from mlcore.datasets.readers import cars196, cub200, flowers102, folder, inshop, omniglot, online_products, pets
from mlcore.events import Progress, no_progress

WINGS = "wings"
_DEEPEST_MARKER = 2  # folders above a layout's telling file: CUB_200_2011/images.txt, once more in an archive

_LAYOUTS: tuple[tuple[str, str, Callable[[FileTree, str], Source]], ...] = (
    # The file that tells a layout, another beside it that must be there too, and who reads it.
    (cub200.LABELS, cub200.LIST, cub200.read_cub200),
    (cars196.ANNOTATIONS, cars196.ANNOTATIONS, cars196.read_cars196),
    (online_products.TRAIN_LIST, online_products.TEST_LIST, online_products.read_online_products),
    (flowers102.LABELS, flowers102.FIRST_PICTURE, flowers102.read_flowers102),
    (pets.LIST, pets.COMPANION, pets.read_pets),
)


@contextmanager
def open_source(
    where: str | Path,
    *,
    flat: bool = False,
    classes: bool = False,
    limits: ArchiveLimits = LIMITS,
    progress: Progress = no_progress,
) -> Iterator[Source]:
    """Yield the pictures of a directory, a zip, tar or tar.gz, or of drawn "wings:species=60,seed=0".

    Benchmarks and sets with a manifest.json are known by their files (docs/datasets.md); anything
    else is read as one folder a class. `flat` takes every picture below a directory or in an archive
    without a label, whatever its folder; `classes` takes class folders, however few, without halves.
    The source's pictures can be read inside the `with` only; `progress` hears of a tar.gz being unpacked.

    Raises:
        DatasetError: nothing readable is there, an archive is unsafe, a benchmark is not
            complete, or there are too few classes.
    """
    if isinstance(where, str) and (where == WINGS or where.startswith(f"{WINGS}:")):
        yield _drawn_wings(where)
        return
    with open_tree(Path(where), limits=limits, progress=progress) as tree:
        origin = Path(where).resolve().name
        if flat:
            yield folder.read_flat(tree, origin)
        elif classes:
            yield folder.read_classes(tree, origin)
        else:
            yield _remarked(_read_layout(tree, origin), Path(where))


def _remarked(source: Source, where: Path) -> Source:
    """Add what the hash of a benchmark's archive says."""
    if not where.is_file() or source.name not in ARCHIVES:
        return source
    with where.open("rb") as file:
        return replace(source, remarks=(*source.remarks, remark_on(file, ARCHIVES[source.name])))


def _read_layout(tree: FileTree, origin: str) -> Source:
    for file, companion, read in _LAYOUTS:
        top = _folder_of(tree, file)
        if top is not None and f"{top}{companion}" in tree.sizes:
            return read(tree, top)
    top = _folder_of(tree, inshop.LIST)
    if top is not None and inshop.is_inshop(tree, top):
        return inshop.read_inshop(tree, top)
    top = omniglot.folder_of_omniglot(tree, _DEEPEST_MARKER)
    if top is not None:
        return omniglot.read_omniglot(tree, top)
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
    from mlcore import butterflies as wings

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
