"""CUB-200-2011 in its original layout."""

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.list_source import Listed, listed_source, read_lines
from mlcore.datasets.reader_table import LayoutReader, PublishedFile, as_published, folder_with
from mlcore.datasets.source import OfficialSplit, Source, readable_class
from mlcore.errors import DatasetError

LIST = "images.txt"
LABELS = "image_class_labels.txt"
NAME = "CUB-200-2011"
OFFICIAL = OfficialSplit(classes=200, train_classes=100, train_images=5_864, test_images=5_924)
LICENCE = (
    "Photographs are under their owners' copyright; non-commercial research and education only. "
    "Cite Wah, Branson, Welinder, Perona, Belongie, The Caltech-UCSD Birds-200-2011 Dataset, CNS-TR-2011-001"
)


def read_cub200(tree: FileTree, top: str, *, expected: OfficialSplit = OFFICIAL) -> Source:
    """Return CUB-200-2011: the first half of the classes trains, the rest tests.

    The official split within classes is left aside, as are the bounding boxes: published
    retrieval figures are on whole photographs of unseen classes.

    Args:
        top: folder of images.txt in the tree, "" or ending in "/".

    Raises:
        DatasetError: a list cannot be read or the counts are not `expected`.
    """
    class_ids = _read_pairs(tree, top + LABELS)
    listed = []
    for image_id, relative_path in _read_pairs(tree, top + LIST).items():
        number = _class_number(class_ids, image_id)
        name = readable_class(relative_path.split("/")[0])
        listed.append(Listed(f"{top}images/{relative_path}", number, name, expected.split_of(number)))
    return listed_source(tree, listed, name=NAME, licence=LICENCE, expected=expected)


def _read_pairs(tree: FileTree, path: str) -> dict[str, str]:
    """Return {first word: second} of a file with two words a line."""
    return {first: second for _, (first, second) in read_lines(tree, path, words=2)}


def _class_number(class_ids: dict[str, str], image_id: str) -> int:
    text = class_ids.get(image_id, "")
    if not text.isdecimal():
        raise DatasetError(f"{LABELS} gives no class number for image {image_id}")
    return int(text)


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{LABELS}` with `{LIST}`",
    also_needed="`images/`",
    training=f"{OFFICIAL.train_images:,} pictures, classes 1-100",
    held_out=f"{OFFICIAL.test_images:,}, classes 101-200",
    licence=LICENCE,
    find=folder_with(LABELS, LIST),
    read=as_published(NAME, read_cub200),
    # As its download page gives it.
    archive=PublishedFile("CUB_200_2011.tgz", "97eceeb196236b17998738112f37df78"),
)
