"""Stanford Online Products in its original layout."""

from collections.abc import Iterator

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.list_source import Listed, class_number, listed_source, read_lines
from mlcore.datasets.reader_table import LayoutReader, PublishedFile, as_published, folder_with
from mlcore.datasets.source import TEST, TRAIN, OfficialSplit, Source

TRAIN_LIST = "Ebay_train.txt"
TEST_LIST = "Ebay_test.txt"
NAME = "Stanford Online Products"
OFFICIAL = OfficialSplit(classes=22_634, train_classes=11_318, train_images=59_551, test_images=60_502)
KS = (1, 10, 100, 1000)
LICENCE = (
    "Photographs of offers on eBay, under their owners' copyright; see the LICENSE in the archive, research use. "
    "Cite Oh Song, Xiang, Jegelka, Savarese, Deep Metric Learning via Lifted Structured Feature Embedding, CVPR 2016"
)


def read_online_products(tree: FileTree, top: str, *, expected: OfficialSplit = OFFICIAL) -> Source:
    """Return Stanford Online Products, split as its two lists say: a class is one product.

    Args:
        top: folder of Ebay_train.txt in the tree, "" or ending in "/".

    Raises:
        DatasetError: a list cannot be read or the counts are not `expected`.
    """
    listed = [*_read_list(tree, top, TRAIN_LIST, TRAIN), *_read_list(tree, top, TEST_LIST, TEST)]
    return listed_source(tree, listed, name=NAME, licence=LICENCE, expected=expected, ks=KS)


def _read_list(tree: FileTree, top: str, name: str, split: str) -> Iterator[Listed]:
    # image_id class_id super_class_id path
    for line, words in read_lines(tree, top + name, words=4, header=1):
        number = class_number(words[1], name, line)
        kind = words[3].split("/")[0].removesuffix("_final").replace("_", " ")
        yield Listed(top + words[3], number, f"{kind} {number}", split)


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{TRAIN_LIST}` with `{TEST_LIST}`",
    also_needed="folders `bicycle_final/` …",
    training=f"{OFFICIAL.train_images:,} pictures of {OFFICIAL.train_classes:,} products",
    held_out=f"{OFFICIAL.test_images:,} of {OFFICIAL.classes - OFFICIAL.train_classes:,}",
    licence=LICENCE,
    find=folder_with(TRAIN_LIST, TEST_LIST),
    read=as_published(NAME, read_online_products),
    # As libraries that fetch it give it.
    archive=PublishedFile("Stanford_Online_Products.zip", "7f73d41a2f44250d4779881525aea32e"),
)
