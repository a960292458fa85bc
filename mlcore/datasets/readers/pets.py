"""Oxford-IIIT Pets in its original layout."""

from collections.abc import Iterator

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.list_source import Listed, class_number, listed_source, read_lines
from mlcore.datasets.reader_table import LayoutReader, as_published, folder_with
from mlcore.datasets.source import OfficialTotal, Source, readable_class

LIST = "annotations/list.txt"
COMPANION = "annotations/trainval.txt"
NAME = "Oxford-IIIT Pets"
OFFICIAL = OfficialTotal(classes=37, images=7_349)
LICENCE = (
    "CC BY-SA 4.0 for the data set; the photographs stay under their owners' copyright. "
    "Cite Parkhi, Vedaldi, Zisserman, Jawahar, Cats and Dogs, CVPR 2012"
)


def read_pets(tree: FileTree, top: str, *, expected: OfficialTotal = OFFICIAL) -> Source:
    """Return Oxford-IIIT Pets: the first half of the breeds trains, the rest tests.

    The split within breeds (trainval.txt, test.txt) is left aside, as are pictures that list.txt leaves out.

    Args:
        top: folder that holds annotations/ and images/ in the tree, "" or ending in "/".

    Raises:
        DatasetError: the list cannot be read or the counts are not `expected`.
    """
    listed = _read_list(tree, top, expected)
    return listed_source(tree, listed, name=NAME, licence=LICENCE, expected=expected)


def _read_list(tree: FileTree, top: str, expected: OfficialTotal) -> Iterator[Listed]:
    # name class species breed: "Abyssinian_100 1 1 1"
    for line, words in read_lines(tree, top + LIST, words=4):
        number = class_number(words[1], LIST, line)
        breed = readable_class(words[0].rpartition("_")[0])
        yield Listed(f"{top}images/{words[0]}.jpg", number, breed, expected.split_of(number))


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{LIST}` with `{COMPANION}`",
    also_needed="`images/`",
    training="breeds 1-19",
    held_out=f"breeds 20-37; {OFFICIAL.images:,} pictures in all",
    licence=LICENCE,
    find=folder_with(LIST, COMPANION),
    read=as_published(NAME, read_pets),
)
