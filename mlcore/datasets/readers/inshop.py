"""In-Shop Clothes Retrieval (DeepFashion) in its original layout: queries against a gallery."""

from collections.abc import Iterator

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.list_source import Listed, listed_source, read_lines
from mlcore.datasets.reader_table import LayoutReader, as_published, folder_of
from mlcore.datasets.source import GALLERY, QUERY, TRAIN, OfficialSplit, Source
from mlcore.errors import DatasetError

LIST = "Eval/list_eval_partition.txt"
COLUMNS = ["image_name", "item_id", "evaluation_status"]
NAME = "In-Shop Clothes"
OFFICIAL = OfficialSplit(
    classes=7_982, train_classes=3_997, train_images=25_882, test_images=26_830, query_images=14_218
)
KS = (1, 10, 20, 30, 40)
LICENCE = (
    "Photographs are under their owners' copyright; non-commercial research and education only. "
    "Cite Liu, Luo, Qiu, Wang, Tang, DeepFashion, CVPR 2016"
)


def find_inshop(tree: FileTree) -> str | None:
    """Return the folder of its list, told from others of that name, which split other sets of the same authors."""
    top = folder_of(tree, LIST)
    if top is None:
        return None
    try:
        header = next(line for _, line in read_lines(tree, top + LIST, words=3, header=1))
    except (DatasetError, StopIteration):
        return None
    return top if header == COLUMNS else None


def read_inshop(tree: FileTree, top: str, *, expected: OfficialSplit = OFFICIAL) -> Source:
    """Return In-Shop Clothes, parted as its list says: a class is one item; queries look for it in the gallery.

    Args:
        top: folder that holds Eval/ in the tree, "" or ending in "/"; the pictures lie in img/ beside it,
            or in Img/img/.

    Raises:
        DatasetError: the list cannot be read or the counts are not `expected`.
    """
    pictures = f"{top}Img/" if any(path.startswith(f"{top}Img/img/") for path in tree.sizes) else top
    return listed_source(tree, _read_list(tree, top, pictures), name=NAME, licence=LICENCE, expected=expected, ks=KS)


def _read_list(tree: FileTree, top: str, pictures: str) -> Iterator[Listed]:
    # img/WOMEN/Dresses/id_00000002/02_1_front.jpg id_00000002 train
    numbers: dict[str, int] = {}
    for line, (path, item, split) in read_lines(tree, top + LIST, words=3, header=2):
        if split not in (TRAIN, QUERY, GALLERY):
            raise DatasetError(f"{LIST} line {line} has status {split!r}; known: train, query, gallery")
        number = numbers.setdefault(item, len(numbers) + 1)
        kind = " ".join(path.split("/")[1:-2]).replace("_", " ")
        yield Listed(pictures + path, number, f"{kind} {item.removeprefix('id_')}".strip(), split)


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{LIST}` with item ids",
    also_needed="`img/` or `Img/img/`",
    training=f"{OFFICIAL.train_images:,} pictures of {OFFICIAL.train_classes:,} items",
    held_out=(
        f"{OFFICIAL.query_images:,} queries against a gallery of {OFFICIAL.test_images - OFFICIAL.query_images:,}, "
        f"of {OFFICIAL.classes - OFFICIAL.train_classes:,} items"
    ),
    licence=LICENCE,
    find=find_inshop,
    read=as_published(NAME, read_inshop),
)
