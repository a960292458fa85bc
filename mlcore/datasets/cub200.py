"""CUB-200-2011 in its original layout."""

import functools

from mlcore.datasets.filetree import FileTree
from mlcore.datasets.items import TEST, TRAIN, OfficialSplit, Source, SourceItem, path_key, readable_class
from mlcore.datasets.splits import check_official
from mlcore.errors import DatasetError
from mlcore.pictures import MAX_BYTES

LIST = "images.txt"
LABELS = "image_class_labels.txt"
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
    names: dict[int, str] = {}
    items = []
    broken = list(tree.skipped)
    for image_id, relative_path in _read_pairs(tree, top + LIST).items():
        class_id = _class_number(class_ids, image_id)
        names[class_id] = readable_class(relative_path.split("/")[0])
        path = f"{top}images/{relative_path}"
        if path not in tree.sizes:
            broken.append((path, "is listed and not there"))
            continue
        split = TRAIN if class_id <= expected.train_classes else TEST
        items.append(SourceItem(path, class_id - 1, split, functools.partial(tree.read, path, MAX_BYTES)))
    check_official([(item.label, item.split) for item in items], expected, "CUB-200-2011")
    if sorted(names) != list(range(1, len(names) + 1)):
        raise DatasetError(f"{LABELS} should number the classes 1 to {len(names)} without a gap")
    items.sort(key=lambda item: (item.label, path_key(item.path)))
    classes = tuple(names[number] for number in sorted(names))
    return Source("CUB-200-2011", LICENCE, classes, items, "CUB-200-2011, original layout", tuple(broken))


def _read_pairs(tree: FileTree, path: str) -> dict[str, str]:
    """Return {first word: second} of a file with two words a line."""
    pairs: dict[str, str] = {}
    text = tree.read(path).decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if len(words) != 2:
            raise DatasetError(f"{path} line {number} should hold two words, has {len(words)}")
        pairs[words[0]] = words[1]
    return pairs


def _class_number(class_ids: dict[str, str], image_id: str) -> int:
    text = class_ids.get(image_id, "")
    if not text.isdecimal():
        raise DatasetError(f"{LABELS} gives no class number for image {image_id}")
    return int(text)
