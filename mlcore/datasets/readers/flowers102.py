"""Oxford Flowers-102 in its original layout."""

import io

from mlcore.datasets.filetree import FileTree, read_mat
from mlcore.datasets.list_source import Listed, listed_source
from mlcore.datasets.reader_table import LayoutReader, PublishedFile, as_published, folder_with
from mlcore.datasets.source import OfficialTotal, Source

LABELS = "imagelabels.mat"
# As libraries that fetch the set give it.
PUBLISHED_LABELS = PublishedFile(LABELS, "e0620be6f572b9609742df49c70aed4d")
FIRST_PICTURE = "jpg/image_00001.jpg"
NAME = "Oxford Flowers-102"
OFFICIAL = OfficialTotal(classes=102, images=8_189)
LICENCE = (
    "Photographs gathered from the web, under their owners' copyright; research use only. "
    "Cite Nilsback, Zisserman, Automated Flower Classification over a Large Number of Classes, ICVGIP 2008"
)


def read_flowers102(tree: FileTree, top: str, *, expected: OfficialTotal = OFFICIAL) -> Source:
    """Return Oxford Flowers-102: the first half of the classes trains, the rest tests.

    The split within classes (setid.mat) is left aside. The set gives its classes numbers, no names.

    Args:
        top: folder of imagelabels.mat in the tree, "" or ending in "/".

    Raises:
        DatasetError: the labels cannot be read or the counts are not `expected`.
    """
    numbers = read_mat(tree, top + LABELS, lambda mat: [int(number) for number in mat["labels"]], "labels of flowers")
    listed = [
        Listed(f"{top}jpg/image_{image:05d}.jpg", number, f"flower {number}", expected.split_of(number))
        for image, number in enumerate(numbers, start=1)
    ]
    remark = PUBLISHED_LABELS.remark_on(io.BytesIO(tree.read(top + LABELS)))
    return listed_source(tree, listed, name=NAME, licence=LICENCE, expected=expected, remarks=(remark,))


READER = LayoutReader(
    title=NAME,
    recognised_by=f"`{LABELS}` with `{FIRST_PICTURE}`",
    also_needed="`jpg/`",
    training="classes 1-51",
    held_out=f"classes 52-102; {OFFICIAL.images:,} pictures in all",
    licence=LICENCE,
    find=folder_with(LABELS, FIRST_PICTURE),
    read=as_published(NAME, read_flowers102),
)
